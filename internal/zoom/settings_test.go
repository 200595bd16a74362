package zoom_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"latchkey/internal/passcode"
	"latchkey/internal/zoom"
)

func read(s zoom.Settings) string {
	b, _ := json.Marshal(s.Values)
	return fmt.Sprintf("%s %+v", b, s.Requirement)
}

// same compares what was read, whatever was odd besides.
func same(a, b zoom.Settings) bool {
	a.Odd, b.Odd = false, false
	return reflect.DeepEqual(a, b)
}

func userSettings(ctx context.Context, c *zoom.Client) (zoom.Settings, error) {
	return c.GetUserSettings(ctx, "u")
}

func groupLocks(ctx context.Context, c *zoom.Client) (zoom.Settings, error) {
	return c.GetGroupLocks(ctx, "g")
}

func accountLocks(ctx context.Context, c *zoom.Client) (zoom.Settings, error) {
	return c.GetAccountLocks(ctx, "a")
}

func groupSettings(ctx context.Context, c *zoom.Client) (zoom.Settings, error) {
	return c.GetGroupSettings(ctx, "g")
}

func accountSettings(ctx context.Context, c *zoom.Client) (zoom.Settings, error) {
	return c.GetAccountSettings(ctx, "a")
}

// TestSettings: each option answers its own part; what no part says is nil.
func TestSettings(t *testing.T) {
	t.Parallel()
	on, off := passcode.On, passcode.Off
	user := []string{"GET /v2/users/u/settings?option=meeting_security", "GET /v2/users/u/settings?option=meeting_authentication", "GET /v2/users/u/settings"}
	const all = `{"meeting_security":{"meeting_password":true,"require_password_for_scheduled_meeting":false,"pmi_password":true,"waiting_room":false,
		"auto_security":true,"phone_password":false,"embed_password_in_join_link":true,"only_authenticated_can_join_from_webclient":false,
		"meeting_password_requirement":{"length":8,"have_letter":true,"have_number":true,"have_special_character":true,"only_allow_numeric":true,
		"have_upper_and_lower_characters":true,"consecutive_characters_length":4,"weak_enhance_detection":true}}}`
	whole := zoom.Settings{Values: passcode.Values{passcode.KeyPasscode: on, passcode.KeyScheduled: off, passcode.KeyPMI: on, passcode.KeyWaitingRoom: off, passcode.KeyAutoSecurity: on, passcode.KeyPhone: off, passcode.KeyEmbed: on, passcode.KeyWebClient: off, passcode.KeyAuthentication: on}, Requirement: &passcode.Requirement{Length: 8, HaveLetter: true, HaveNumber: true, HaveSpecial: true, OnlyNumeric: true, HaveUpperAndLower: true,
		ConsecutiveLength: 4, WeakEnhancedDetection: true}}
	for _, c := range []struct {
		name    string
		call    func(context.Context, *zoom.Client) (zoom.Settings, error)
		answers []string
		want    zoom.Settings
		called  []string
	}{
		{"user, instant meetings in the plain answer alone", userSettings, []string{all, `{"meeting_authentication":true}`, `{"schedule_meeting":{"require_password_for_instant_meetings":true}}`},
			func() zoom.Settings {
				w := whole
				w.Values[passcode.KeyInstant] = on
				return w
			}(), user},
		{"user, the older names in a third", userSettings,
			[]string{`{"meeting_security":{"waiting_room":true}}`, `{"meeting_authentication":false}`,
				`{"schedule_meeting":{"require_password_for_scheduling_new_meetings":true},"in_meeting":{"waiting_room":false}}`},
			zoom.Settings{Values: passcode.Values{passcode.KeyWaitingRoom: on, passcode.KeyPasscode: on, passcode.KeyAuthentication: off}}, user},
		{"user, the PMI setting off: which of its two offs, in a third", userSettings,
			[]string{strings.Replace(all, `"pmi_password":true`, `"pmi_password":false`, 1), `{"meeting_authentication":true}`,
				`{"schedule_meeting":{"require_password_for_pmi_meetings":"jbh_only","join_before_host":true}}`},
			func() zoom.Settings {
				w := whole
				w.Values[passcode.KeyPMI], w.Values[passcode.KeyPMIJoin] = off, on
				return w
			}(), user},
		{"user, nothing said", userSettings, []string{`{}`, `{"meeting_authentication":null}`, `{"schedule_meeting":null}`}, zoom.Settings{}, user},
		{"group locks", groupLocks, []string{`{"meeting_security":{"meeting_password":false}}`, `{"schedule_meeting":{"meeting_authentication":true}}`},
			zoom.Settings{Values: passcode.Values{passcode.KeyPasscode: off, passcode.KeyAuthentication: on}}, []string{"GET /v2/groups/g/lock_settings?option=meeting_security", "GET /v2/groups/g/lock_settings"}},
		{"group locks, the older names in the plain answer", groupLocks,
			[]string{`{"meeting_security":{"meeting_password":false}}`, `{"schedule_meeting":{"require_password_for_scheduling_new_meetings":true,"require_password_for_pmi_meetings":true}}`},
			zoom.Settings{Values: passcode.Values{passcode.KeyPasscode: off, passcode.KeyPMI: on}}, []string{"GET /v2/groups/g/lock_settings?option=meeting_security", "GET /v2/groups/g/lock_settings"}},
		{"account locks", accountLocks, []string{`{"meeting_security":{"waiting_room":true}}`, `{}`}, zoom.Settings{Values: passcode.Values{passcode.KeyWaitingRoom: on}},
			[]string{"GET /v2/accounts/a/lock_settings?option=meeting_security", "GET /v2/accounts/a/lock_settings"}},
		{"account", accountSettings, []string{`{"meeting_security":{"meeting_password":true}}`, `{"meeting_authentication":false}`, `{}`},
			zoom.Settings{Values: passcode.Values{passcode.KeyPasscode: on, passcode.KeyAuthentication: off}},
			[]string{"GET /v2/accounts/a/settings?option=meeting_security", "GET /v2/accounts/a/settings?option=meeting_authentication", "GET /v2/accounts/a/settings"}},
		{"group", groupSettings, []string{`{"meeting_security":{"auto_security":false}}`, `{"meeting_authentication":true}`, `{}`},
			zoom.Settings{Values: passcode.Values{passcode.KeyAutoSecurity: off, passcode.KeyAuthentication: on}},
			[]string{"GET /v2/groups/g/settings?option=meeting_security", "GET /v2/groups/g/settings?option=meeting_authentication", "GET /v2/groups/g/settings"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var answers []http.HandlerFunc
			for _, a := range c.answers {
				answers = append(answers, always(200, a))
			}
			f := &fakeZoom{api: inTurn(answers...)}
			cl := overNetwork(t, f, nil)
			got, err := c.call(t.Context(), cl)
			if err != nil || !same(got, c.want) {
				t.Errorf("read %s, %v\nwant %s", read(got), err, read(c.want))
			}
			if called := f.called(); !slices.Equal(called, c.called) {
				t.Errorf("called %q, want %q", called, c.called)
			}

			// Whichever call fails, nothing half-read comes back.
			for n := range c.answers {
				answers := slices.Clone(answers)
				answers[n] = always(403, `{}`)
				cl := overNetwork(t, &fakeZoom{api: inTurn(answers...)}, nil)
				got, err := c.call(t.Context(), cl)
				wantKind(t, err, zoom.KindForbidden)
				if got != (zoom.Settings{}) {
					t.Errorf("call %d fails, and %+v comes back", n+1, got)
				}
			}
		})
	}
	for _, left := range []string{"meeting_password", "require_password_for_scheduled_meeting", "pmi_password", "waiting_room", "phone_password", "embed_password_in_join_link"} {
		t.Run("user, a third call for "+left, func(t *testing.T) {
			t.Parallel()
			var answer map[string]map[string]any
			if err := json.Unmarshal([]byte(all), &answer); err != nil {
				t.Fatal(err)
			}
			delete(answer["meeting_security"], left)
			f := &fakeZoom{api: inTurn(always(200, answer), always(200, `{}`))}
			if _, err := userSettings(t.Context(), overNetwork(t, f, nil)); err != nil || !slices.Equal(f.called(), user) {
				t.Errorf("called %q, %v: want %q", f.called(), err, user)
			}
		})
	}
}

// TestTwins: most settings have two names. Each is read alone, and where they
// differ the newer one wins; in an answer as in an event.
func TestTwins(t *testing.T) {
	t.Parallel()
	on, off := passcode.On, passcode.Off
	six, eight := &passcode.Requirement{Length: 6, HaveNumber: true}, &passcode.Requirement{Length: 8}
	for _, c := range []struct {
		name, settings string
		want           zoom.Settings
	}{
		{"new meetings alone", `"schedule_meeting":{"require_password_for_scheduling_new_meetings":true}`, zoom.Settings{Values: passcode.Values{passcode.KeyPasscode: on}}},
		{"instant meetings alone", `"schedule_meeting":{"require_password_for_instant_meetings":false}`, zoom.Settings{Values: passcode.Values{passcode.KeyInstant: off}}},
		{"new and instant meetings are two settings", `"schedule_meeting":{"require_password_for_scheduling_new_meetings":false,"require_password_for_instant_meetings":true}`, zoom.Settings{Values: passcode.Values{passcode.KeyPasscode: off, passcode.KeyInstant: on}}},
		{"scheduled meetings alone", `"schedule_meeting":{"require_password_for_scheduled_meetings":true}`, zoom.Settings{Values: passcode.Values{passcode.KeyScheduled: on}}},
		{"waiting room alone", `"in_meeting":{"waiting_room":true}`, zoom.Settings{Values: passcode.Values{passcode.KeyWaitingRoom: on}}},
		{"phone alone", `"schedule_meeting":{"pstn_password_protected":true}`, zoom.Settings{Values: passcode.Values{passcode.KeyPhone: on}}},
		{"link alone", `"schedule_meeting":{"embed_password_in_join_link":false}`, zoom.Settings{Values: passcode.Values{passcode.KeyEmbed: off}}},
		{"authentication alone", `"meeting_authentication":true`, zoom.Settings{Values: passcode.Values{passcode.KeyAuthentication: on}}},
		{"authentication under schedule_meeting", `"schedule_meeting":{"meeting_authentication":false}`, zoom.Settings{Values: passcode.Values{passcode.KeyAuthentication: off}}},
		{"authentication in both", `"meeting_authentication":true,"schedule_meeting":{"meeting_authentication":false}`, zoom.Settings{Values: passcode.Values{passcode.KeyAuthentication: on}}},
		{"requirement alone, newer", `"meeting_security":{"meeting_password_requirement":{"length":6,"have_number":true}}`, zoom.Settings{Requirement: six}},
		{"requirement alone, older", `"schedule_meeting":{"meeting_password_requirement":{"length":6,"have_number":true}}`, zoom.Settings{Requirement: six}},
		{"requirement in both: not mixed", `"meeting_security":{"meeting_password_requirement":{"length":8}},"schedule_meeting":{"meeting_password_requirement":{"length":6,"have_number":true}}`, zoom.Settings{Requirement: eight}},

		{"PMI all", `"schedule_meeting":{"require_password_for_pmi_meetings":"all"}`, zoom.Settings{Values: passcode.Values{passcode.KeyPMI: on}}},
		{"PMI none", `"schedule_meeting":{"require_password_for_pmi_meetings":"none","join_before_host":true}`, zoom.Settings{Values: passcode.Values{passcode.KeyPMI: off}}},
		{"PMI jbh_only, people can", `"schedule_meeting":{"require_password_for_pmi_meetings":"jbh_only","join_before_host":true}`, zoom.Settings{Values: passcode.Values{passcode.KeyPMI: on, passcode.KeyPMIJoin: on}}},
		{"PMI jbh_only, people cannot", `"schedule_meeting":{"require_password_for_pmi_meetings":"jbh_only","join_before_host":false}`, zoom.Settings{Values: passcode.Values{passcode.KeyPMI: off, passcode.KeyPMIJoin: on}}},
		{"PMI jbh_only, not said whether people can", `"schedule_meeting":{"require_password_for_pmi_meetings":"jbh_only"}`, zoom.Settings{Values: passcode.Values{passcode.KeyPMIJoin: on}}},
		{"PMI locked", `"schedule_meeting":{"require_password_for_pmi_meetings":true}`, zoom.Settings{Values: passcode.Values{passcode.KeyPMI: on}}},
		{"PMI not locked", `"schedule_meeting":{"require_password_for_pmi_meetings":false,"join_before_host":true}`, zoom.Settings{Values: passcode.Values{passcode.KeyPMI: off}}},
		{"PMI something else", `"schedule_meeting":{"require_password_for_pmi_meetings":"some"}`, zoom.Settings{}},
		{"PMI null", `"schedule_meeting":{"require_password_for_pmi_meetings":null}`, zoom.Settings{}},

		{"booleans as strings", `"in_meeting":{"waiting_room":"off"},"schedule_meeting":{"pstn_password_protected":"true","embed_password_in_join_link":"false",
			"require_password_for_scheduled_meetings":"on","require_password_for_scheduling_new_meetings":"0","meeting_authentication":1}`,
			zoom.Settings{Values: passcode.Values{passcode.KeyWaitingRoom: off, passcode.KeyPhone: on, passcode.KeyEmbed: off, passcode.KeyScheduled: on, passcode.KeyPasscode: off, passcode.KeyAuthentication: on}}},
		{"no booleans at all", `"in_meeting":{"waiting_room":"x"},"schedule_meeting":{"pstn_password_protected":{},"embed_password_in_join_link":[],
			"require_password_for_scheduled_meetings":2,"require_password_for_scheduling_new_meetings":null,"meeting_authentication":""}`, zoom.Settings{}},

		{"they differ: the newer ones", `"meeting_security":{"meeting_password":true,"require_password_for_scheduled_meeting":false,"pmi_password":true,"waiting_room":false,"phone_password":true,"embed_password_in_join_link":false},
			"schedule_meeting":{"require_password_for_scheduling_new_meetings":false,"require_password_for_instant_meetings":false,"require_password_for_scheduled_meetings":true,
			"require_password_for_pmi_meetings":"none","pstn_password_protected":false,"embed_password_in_join_link":true},"in_meeting":{"waiting_room":true}`,
			zoom.Settings{Values: passcode.Values{passcode.KeyPasscode: on, passcode.KeyInstant: off, passcode.KeyScheduled: off, passcode.KeyPMI: on, passcode.KeyWaitingRoom: off, passcode.KeyPhone: on, passcode.KeyEmbed: off}}},
		{"a newer null says nothing", `"meeting_security":{"meeting_password":null},"schedule_meeting":{"require_password_for_scheduling_new_meetings":true}`, zoom.Settings{Values: passcode.Values{passcode.KeyPasscode: on}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for who, call := range map[string]func(context.Context, *zoom.Client) (zoom.Settings, error){
				"user": userSettings, "group": groupSettings, "account": accountSettings, "group locks": groupLocks, "account locks": accountLocks} {
				got, err := call(t.Context(), overNetwork(t, &fakeZoom{api: always(200, `{`+c.settings+`}`)}, nil))
				if err != nil || !same(got, c.want) {
					t.Errorf("%s: read %s, %v\nwant %s", who, read(got), err, read(c.want))
				}
			}
			object := `{"id":"u","settings":{` + c.settings + `}}`
			now, old, err := zoom.Envelope{Object: []byte(object), OldObject: []byte(object)}.DecodeSettings()
			if err != nil || !same(now.Settings, c.want) || !same(old.Settings, c.want) {
				t.Errorf("event: read %s and %s, %v\nwant %s", read(now.Settings), read(old.Settings), err, read(c.want))
			}
			if c.want != (zoom.Settings{}) && !now.Says() {
				t.Error("event: it does not decide")
			}
		})
	}
	t.Run("the newer name is no boolean", func(t *testing.T) {
		t.Parallel()
		got, err := userSettings(t.Context(), overNetwork(t, &fakeZoom{api: always(200, `{"meeting_security":{"meeting_password":"`+marker+`","waiting_room":true}}`)}, nil))
		want := zoom.Settings{Values: passcode.Values{passcode.KeyWaitingRoom: on}}
		if err != nil || !same(got, want) || !got.Odd {
			t.Errorf("read %s, odd %t, %v: one odd field costs itself alone", read(got), got.Odd, err)
		}
	})
}

// patched are the settings that PatchUserSettings writes.
var patched = []string{"meeting_password", "require_password_for_scheduled_meeting", "pmi_password"}

func TestPatchUserSettings(t *testing.T) {
	t.Parallel()
	on, off := passcode.On, passcode.Off
	for _, c := range []struct {
		name string
		v    passcode.Values
		want string
	}{
		{"one on", passcode.Values{passcode.KeyPasscode: on}, `{"meeting_password":true}`},
		{"one off", passcode.Values{passcode.KeyPasscode: off}, `{"meeting_password":false}`},
		{"all three", passcode.Values{passcode.KeyPasscode: off, passcode.KeyScheduled: on, passcode.KeyPMI: off}, `{"meeting_password":false,"pmi_password":false,"require_password_for_scheduled_meeting":true}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got string
			f := &fakeZoom{api: func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				got = fmt.Sprintf("%s %s", r.Header.Get("Content-Type"), b)
				w.WriteHeader(204)
			}}
			if err := overNetwork(t, f, nil).PatchUserSettings(t.Context(), "u/1", c.v); err != nil {
				t.Fatal(err)
			}
			if want := `application/json {"meeting_security":` + c.want + `}`; got != want {
				t.Errorf("sent %s, want %s", got, want)
			}
			if called := f.called(); !slices.Equal(called, []string{"PATCH /v2/users/u%2F1/settings?option=meeting_security"}) {
				t.Errorf("called %q", called)
			}
		})
	}
	t.Run("a setting of another section is not sent", func(t *testing.T) {
		t.Parallel()
		f := &fakeZoom{api: always(204, ``)}
		wantKind(t, overNetwork(t, f, nil).PatchUserSettings(t.Context(), "u", passcode.Values{passcode.KeyAuthentication: on}), zoom.KindInvalid)
		if len(f.called()) != 0 {
			t.Errorf("called %q", f.called())
		}
	})
	t.Run("not repeated when Zoom may have looked at it", func(t *testing.T) {
		t.Parallel()
		f := &fakeZoom{api: always(500, `{}`)}
		wantKind(t, overNetwork(t, f, nil).PatchUserSettings(t.Context(), "u", passcode.Values{passcode.KeyPasscode: on}), zoom.KindServer)
		if len(f.called()) != 1 {
			t.Errorf("%d calls", len(f.called()))
		}
	})
}

package zoom_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"latchkey/internal/secret"
	"latchkey/internal/zoom"
)

// TestSecretsNeverShow sends everything that holds one down every road by which
// a value becomes text.
func TestSecretsNeverShow(t *testing.T) {
	t.Parallel()
	const hidden = "hunter2hunter2"
	s := secret.String(hidden)
	creds := zoom.Credentials{AccountID: "acct", ClientID: "client", ClientSecret: s}
	f := &fakeZoom{api: always(400, `{"code":300,"message":"`+hidden+` is too weak","errors":[{"field":"`+hidden+`","message":"`+hidden+`"}]}`)}
	client := overNetwork(t, f, func(o *zoom.Options) { o.Credentials = creds })
	failed := client.PatchMeeting(t.Context(), meeting, zoom.MeetingPatch{Password: &s})
	wantKind(t, failed, zoom.KindInvalid)
	clearing := secret.String("")
	old := client.PatchMeeting(t.Context(), meeting, zoom.MeetingPatch{Password: &clearing, Before: s})
	wantKind(t, old, zoom.KindInvalid)
	probed := client.PatchMeetingBody(t.Context(), meeting, "", map[string]any{"password": hidden})
	wantKind(t, probed, zoom.KindInvalid)
	_, fromRead := overNetwork(t, f, func(o *zoom.Options) { o.Credentials = creds }).GetMeeting(t.Context(), meeting) // quotes the client secret
	wantKind(t, fromRead, zoom.KindInvalid)
	refused := overNetwork(t, &fakeZoom{token: always(401, `{"message":"`+hidden+`"}`)}, func(o *zoom.Options) { o.Credentials = creds })
	denied := refused.PatchMeeting(t.Context(), meeting, zoom.MeetingPatch{Password: &s})
	wantKind(t, denied, zoom.KindUnauthorized)
	garbled := overNetwork(t, &fakeZoom{api: always(200, `{"id":85746065432,"password":"`+hidden+`","type":"`+hidden+`"}`)}, nil)
	_, unread := garbled.GetMeeting(t.Context(), meeting)
	wantKind(t, unread, zoom.KindBadAnswer)

	for _, v := range []struct {
		name  string
		value any
	}{
		{"Secret", s},
		{"*secret.String", &s},
		{"[]secret.String", []secret.String{s}},
		{"map", map[string]secret.String{"k": s}},
		{"Credentials", creds},
		{"*Credentials", &creds},
		{"Options", zoom.Options{Credentials: creds}},
		{"Client", client},
		{"Meeting", zoom.Meeting{Password: s, EncryptedPassword: s, PhonePasscode: s, JoinURL: s}},
		{"MeetingObject", zoom.MeetingObject{Password: &s}},
		{"MeetingPatch", zoom.MeetingPatch{Password: &s}},
		{"Zoom's error", failed},
		{"Zoom's error, of the passcode before", old},
		{"Zoom's error, of a probe", probed},
		{"Zoom's error, of a read", fromRead},
		{"the token's error", denied},
		{"an answer that does not decode", unread},
		{"a wrapped error", fmt.Errorf("check: %w", errors.Join(failed, denied))},
	} {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			said := map[string]string{}
			// %w of what is no error is out of a type's hands; vet refuses it.
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%c", "%t", "%e", "%U", "%z", "%8v", "%-8s"} {
				said[verb] = fmt.Sprintf(verb, v.value)
			}
			said["Print"] = fmt.Sprint(v.value)
			var text, js bytes.Buffer
			for _, h := range []slog.Handler{slog.NewTextHandler(&text, nil), slog.NewJSONHandler(&js, nil)} {
				log := slog.New(h)
				log.Info("x", "v", v.value)
				log.With("v", v.value).WithGroup("g").Info("x", slog.Group("g", "v", v.value))
			}
			said["slog text"], said["slog JSON"] = text.String(), js.String()
			if b, err := json.Marshal(v.value); err == nil {
				said["json"] = string(b)
			}
			if err, ok := v.value.(error); ok {
				said["Error()"] = err.Error()
			}
			for how, text := range said {
				if strings.Contains(text, hidden) || strings.Contains(strings.ToLower(text), fmt.Sprintf("%x", hidden)) {
					t.Errorf("%s gives it away: %s", how, text)
				}
			}
		})
	}
	if s.Reveal() != hidden {
		t.Error("Reveal does not reveal")
	}
	for how, got := range map[string]string{"%v": fmt.Sprintf("%v", s), "%#v": fmt.Sprintf("%#v", s), "%d": fmt.Sprintf("%d", s)} {
		if got != "[redacted]" {
			t.Errorf("%s of a secret.String is %q: want something that says why nothing is there", how, got)
		}
	}
}

// TestSecretsArrive: what hides itself from text reaches Zoom all the same.
func TestSecretsArrive(t *testing.T) {
	t.Parallel()
	var got string
	f := &fakeZoom{api: always(204, nil)}
	f.token = func(w http.ResponseWriter, r *http.Request) {
		_, got, _ = r.BasicAuth()
		answer(w, 200, `{"access_token":"abc","expires_in":3600}`)
	}
	c := overNetwork(t, f, nil)
	if err := patch(t.Context(), c); err != nil || got != clientSecret {
		t.Errorf("client secret %q arrived, %v", got, err)
	}
	var m zoom.Meeting
	if err := json.Unmarshal([]byte(`{"id":85746065432,"password":"`+marker+`"}`), &m); err != nil || m.Password.Reveal() != marker {
		t.Errorf("password %q was read, %v", m.Password.Reveal(), err)
	}
}

package webhook_test

import (
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"latchkey/internal/webhook"
)

// TestAccepted holds the whole Delivery, raw bytes included.
func TestAccepted(t *testing.T) {
	t.Parallel()
	const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	r := newRig(t, nil)
	w := r.serve(request(created, func(req *http.Request) {
		req.Header.Set("traceparent", trace)
		req.Header.Set("x-zm-request-id", "b6f9-5c1e")
	}))
	if w.Code != http.StatusNoContent || w.Body.Len() != 0 {
		t.Errorf("answered %d %q, want 204 and no body", w.Code, w.Body)
	}
	want := []published{{Delivery: webhook.Delivery{
		ID:        "84ecba3dd7560f036df91db4ad0ed4a5551d0789871f79b4d42ecc459ad00987", // sha256 of the body, by coreutils
		AccountID: "acct", Event: "meeting.created", Body: []byte(created), ReceivedAt: arrival,
		RequestID: "b6f9-5c1e", TraceParent: trace,
	}}}
	if got := r.bus.all(); !reflect.DeepEqual(got, want) {
		t.Errorf("published %+v\nwant      %+v", got, want)
	}
	r.counted(t, "accepted")
	if r.metrics.Accepted() != 1 {
		t.Errorf("Accepted() = %d, want 1", r.metrics.Accepted())
	}
	if strings.Contains(r.log.String(), marker) {
		t.Errorf("the log holds the passcode:\n%s", r.log)
	}
}

// TestRawBytes: whatever way the text is written, the bytes are what counts and
// what is kept.
func TestRawBytes(t *testing.T) {
	t.Parallel()
	topic := func(s string) string { return strings.Replace(created, `"id"`, `"topic":"`+s+`","id"`, 1) }
	for name, body := range map[string]string{
		"emoji":             topic("Café ☕ 🔑"),
		"escapes":           topic(`Caf\u00e9 \u2615 \ud83d\udd11`),
		"both":              topic(`Café \u2615 🔑 \/ <&>`),
		"escaped NUL":       topic(`a\u0000b`),
		"half a surrogate":  topic(`\ud83d`),
		"not even UTF-8":    topic("caf\xe9 \xff"),
		"raw separators":    topic("\u2028\u2029"),
		"newlines around":   "\n\n" + created + "\n",
		"windows line ends": strings.ReplaceAll(created, ",", ",\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			if w := r.serve(request(body, nil)); w.Code != http.StatusNoContent {
				t.Errorf("status %d, want 204", w.Code)
			}
			got := r.bus.all()
			if len(got) != 1 || got[0].dead || string(got[0].Body) != body {
				t.Errorf("published %+v, want the body as it came", got)
			}
		})
	}
}

// TestTimestampsAreNotJudged: Zoom's retries run for 85 minutes (Z-HOOK-8), and
// some deliveries were seen with milliseconds (Z-EVENT-19).
func TestTimestampsAreNotJudged(t *testing.T) {
	t.Parallel()
	for name, ts := range map[string]string{
		"an hour old":     "1772362800",
		"a year old":      "1740830400",
		"in the future":   "1803902400",
		"in milliseconds": "1772366400000",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			w := r.serve(request(created, func(req *http.Request) {
				req.Header.Set("x-zm-request-timestamp", ts)
				req.Header.Set("x-zm-signature", sign(secret, ts, created))
			}))
			if w.Code != http.StatusNoContent || len(r.bus.all()) != 1 {
				t.Errorf("status %d, %d published: want 204 and 1", w.Code, len(r.bus.all()))
			}
		})
	}
}

// TestUnusable: Zoom's own, and nobody can use it. 204 and a dead letter, since
// a retry would be no more readable; the reason quotes nothing of the content.
func TestUnusable(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 20000) + `"` + marker + `"` + strings.Repeat("]", 20000)
	for _, c := range []struct{ name, body, reason, event, account string }{
		{"not JSON", marker, "not a JSON object", "", ""},
		{"empty", "", "empty", "", ""},
		{"blank", " \r\n\t", "empty", "", ""},
		{"array", `[{"password":"` + marker + `"}]`, "not a JSON object", "", ""},
		{"string", `"` + marker + `"`, "not a JSON object", "", ""},
		{"null", `null`, "not a JSON object", "", ""},
		{"truncated", created[:len(created)-5], "not JSON (at byte", "", ""},
		{"truncated in the passcode", created[:strings.Index(created, marker)+4], "not JSON (at byte", "", ""},
		{"two documents", created + created, "not JSON (at byte", "", ""},
		{"no event", `{"payload":{"object":{"password":"` + marker + `"}}}`, "field event has 0 letters", "", ""},
		{"event is a number", `{"event":7,"payload":{"password":"` + marker + `"}}`, "field event is a number", "", ""},
		{"event is far too long", `{"event":"` + strings.Repeat(marker, 12) + `","payload":{}}`, "field event has 108 letters", "", ""},
		{"payload is an array, as another vendor's", `{"event":"meeting.created","payload":[{"password":"` + marker + `"}]}`, "field payload is not a JSON object", "meeting.created", ""},
		{"payload is a string", `{"event":"meeting.created","account_id":"acct","payload":"` + marker + `"}`, "field payload is not a JSON object", "meeting.created", "acct"},
		{"no payload", `{"event":"meeting.created"}`, "field payload is not a JSON object", "meeting.created", ""},
		{"nested far too deep", `{"event":"meeting.created","payload":{"object":` + deep + `}}`, "not JSON (at byte", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			if w := r.serve(request(c.body, nil)); w.Code != http.StatusNoContent {
				t.Errorf("status %d, want 204", w.Code)
			}
			r.counted(t, "dead")
			got := r.bus.all()
			if len(got) != 1 || !got[0].dead {
				t.Fatalf("published %+v, want one dead letter", got)
			}
			d := got[0]
			if !strings.Contains(d.reason, c.reason) {
				t.Errorf("reason %q does not say %q", d.reason, c.reason)
			}
			if string(d.Body) != c.body || d.ID == "" || d.Event != c.event || d.AccountID != c.account {
				t.Errorf("dead letter %+v, want the body as it came, event %q and account %q", d.Delivery, c.event, c.account)
			}
			for _, text := range []string{d.reason, r.log.String()} {
				if strings.Contains(text, marker) {
					t.Errorf("the content shows in %q", text)
				}
			}

			r = newRig(t, nil)
			r.bus.fail = errors.New("the disk is full")
			if w := r.serve(request(c.body, nil)); w.Code != http.StatusServiceUnavailable {
				t.Errorf("when it cannot be kept either: status %d, want 503", w.Code)
			}
			r.counted(t, "unavailable")
		})
	}
}

// TestURLValidation uses answers computed with openssl, not with our code.
func TestURLValidation(t *testing.T) {
	t.Parallel()
	const token = "qgg8vlvZRS6UYooatFL8Aw"
	for secret, want := range map[string]string{
		"first":  "aa4dcda147d5ff645c64280fbe46c3ece1e3eabffe4f7ad104440a13d19a647b",
		"second": "715e8e1c56d392fdb7c1e578ee55dc45228a185f4de5f8e389816405dc866180",
	} {
		t.Run("signed with "+secret, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, func(o *webhook.Options) { o.Secrets = ours("first", "second") })
			body := `{"payload":{"plainToken":"` + token + `"},"event_ts":1654503849680,"event":"endpoint.url_validation"}`
			w := r.serve(request(body, func(req *http.Request) { req.Header.Set("x-zm-signature", sign(secret, now, body)) }))
			want := `{"encryptedToken":"` + want + `","plainToken":"` + token + `"}`
			if w.Code != http.StatusOK || w.Body.String() != want {
				t.Errorf("answered %d %s\nwant     200 %s", w.Code, w.Body, want)
			}
			if ct := w.Header().Get("Content-Type"); !strings.HasPrefix(ct, "application/json") {
				t.Errorf("content type %q", ct)
			}
			if all := r.bus.all(); len(all) != 1 || all[0].Event != "endpoint.url_validation" {
				t.Errorf("%+v were published; want that it was validated, for whoever watches whether it is", all)
			}
			r.counted(t, "url_validation")
		})
	}
	t.Run("not signed by Zoom", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, nil)
		w := r.serve(request(`{"event":"endpoint.url_validation","payload":{"plainToken":"x"}}`, func(req *http.Request) { req.Header.Del("x-zm-signature") }))
		if w.Code != http.StatusUnauthorized {
			t.Errorf("status %d, want 401: answering would hand out signatures", w.Code)
		}
	})
	t.Run("an event that brings a plainToken along", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, nil)
		body := strings.Replace(created, `"operation"`, `"plainToken":"x","operation"`, 1)
		if w := r.serve(request(body, nil)); w.Code != http.StatusNoContent || len(r.bus.all()) != 1 {
			t.Errorf("status %d, %d published: want 204 and 1", w.Code, len(r.bus.all()))
		}
	})
	t.Run("what is no token is not signed", func(t *testing.T) {
		t.Parallel()
		for _, token := range []string{"x", "fifteen-letters", strings.Repeat("x", 65), `v0:1772366400:{\"event\":\"meeting.created\"}`,
			"v0:1772366400:abcdef", "qgg8vlvZRS6UYooatFL8A ", "qgg8vlvZRS6UYooatFL8A\\n", "qgg8vlvZRS6UYooatFLé", "qgg8vlvZRS6UYooa.FL8Aw", "<b>qgg8vlvZRS6UYooatFL8Aw</b>"} {
			r := newRig(t, nil)
			w := r.serve(request(validation(token), nil))
			if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "plainToken") || strings.Contains(w.Body.String(), "encrypted") {
				t.Errorf("%q: answered %d %s, want 400 and no signature", token, w.Code, w.Body)
			}
			if !strings.Contains(r.log.String(), "plainToken") || strings.Contains(r.log.String(), token) {
				t.Errorf("%q: the log should say what was wrong, and not quote it:\n%s", token, r.log)
			}
			r.counted(t, "bad_token")
		}
	})
	t.Run("other forms that tokens have", func(t *testing.T) {
		t.Parallel()
		for _, token := range []string{"0123456789abcdef", "d1a7b1c2-3e4f-5a6b-7c8d-9e0f1a2b3c4d", "q+g8/lvZRS6UYooatFL8Aw==", strings.Repeat("x", 64)} {
			if w := newRig(t, nil).serve(request(validation(token), nil)); w.Code != http.StatusOK {
				t.Errorf("%q: status %d, want 200", token, w.Code)
			}
		}
	})
	t.Run("without a token", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, nil)
		if w := r.serve(request(`{"event":"endpoint.url_validation","payload":{}}`, nil)); w.Code != http.StatusNoContent {
			t.Errorf("status %d, want 204", w.Code)
		}
	})
}

func validation(token string) string {
	return `{"event":"endpoint.url_validation","event_ts":1654503849680,"payload":{"plainToken":"` + token + `"}}`
}

// TestWhoseWordItIs: a delivery says for which account its secret vouches, and
// one that another account's app signed never takes the place of the event.
func TestWhoseWordItIs(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *webhook.Options) {
		o.Secrets = []webhook.Secret{{Value: secret, AccountID: "acct"}, {Value: "evil", AccountID: "evil"}}
	})
	theirs := strings.Replace(created, `"account_id":"acct"`, `"account_id":"acct" `, 1)
	if !strings.Contains(created, `"account_id":"acct"`) {
		t.Fatal("the sample's account is another")
	}
	for _, c := range []struct{ body, key string }{{created, "evil"}, {created, secret}, {theirs, secret}, {created, secret}} {
		if w := r.serve(request(c.body, func(req *http.Request) { req.Header.Set("x-zm-signature", sign(c.key, now, c.body)) })); w.Code != http.StatusNoContent {
			t.Fatalf("status %d", w.Code)
		}
	}
	got := r.bus.all()
	if len(got) != 4 || got[0].SignedFor != "evil" || got[1].SignedFor != "acct" || got[0].AccountID != "acct" {
		t.Fatalf("published %+v", got)
	}
	if got[0].ID == got[1].ID || got[1].ID != got[3].ID {
		t.Errorf("ids %s, %s, %s: want a forgery's to be its own, and the event's to be the same again", got[0].ID, got[1].ID, got[3].ID)
	}
}

func TestUnwanted(t *testing.T) {
	t.Parallel()
	for _, event := range []string{"meeting.participant_joined", "app_deauthorised", "recording.completed", "Meeting.Created", "meeting.created.x"} {
		t.Run(event, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			w := r.serve(request(strings.Replace(created, "meeting.created", event, 1), nil))
			if w.Code != http.StatusNoContent || w.Body.Len() != 0 {
				t.Errorf("answered %d %q, want 204", w.Code, w.Body)
			}
			if n := len(r.bus.all()); n != 0 {
				t.Errorf("%d were published", n)
			}
			r.counted(t, "unwanted")
		})
	}
}

// TestIdentity: the same event again has the same id, whenever Zoom signed it;
// two events never share one.
func TestIdentity(t *testing.T) {
	t.Parallel()
	timeless := strings.Replace(created, `"event_ts":1626230691572,`, "", 1)
	stamped := strings.Replace(timeless, `"operation"`, `"time_stamp":1626230691572,"operation"`, 1)
	for _, c := range []struct {
		name          string
		body1, stamp1 string
		body2, stamp2 string
		same          bool
	}{
		{"the same request", created, "1", created, "1", true},
		{"a retry that is signed again", created, "1", created, "2", true},
		{"another body", created, "1", strings.Replace(created, "85746065432", "85746065433", 1), "1", false},
		{"another time of event", created, "1", strings.Replace(created, "691572", "691573", 1), "1", false},
		{"no time, the same request", timeless, "1", timeless, "1", true},
		{"no time, another request", timeless, "1", timeless, "2", false},
		{"time in the payload, signed again", stamped, "1", stamped, "2", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			for _, one := range [][2]string{{c.body1, c.stamp1}, {c.body2, c.stamp2}} {
				w := r.serve(request(one[0], func(req *http.Request) {
					req.Header.Set("x-zm-request-timestamp", one[1])
					req.Header.Set("x-zm-signature", sign(secret, one[1], one[0]))
				}))
				if w.Code != http.StatusNoContent {
					t.Fatalf("status %d", w.Code)
				}
			}
			got := r.bus.all()
			if len(got) != 2 || got[0].ID == "" || (got[0].ID == got[1].ID) != c.same {
				t.Fatalf("published %+v: want ids that are the same: %v", got, c.same)
			}
			if string(got[1].Body) != c.body2 {
				t.Errorf("the body was changed: %q", got[1].Body)
			}
		})
	}
}

// TestHeadersThatTravel: hostile ones are dropped, never passed on or logged.
func TestHeadersThatTravel(t *testing.T) {
	t.Parallel()
	const printable = ` !"#$%&'()*+,-./09:;<=>?@AZ[\]^_{|}~`
	for _, c := range []struct{ name, value, want string }{
		{"plain", "abc-DEF_0123", "abc-DEF_0123"},
		{"all of ASCII that prints", printable, printable},
		{"as long as may be", strings.Repeat("x", 256), strings.Repeat("x", 256)},
		{"too long", strings.Repeat("x", 257), ""},
		{"non-ASCII", "évil", ""},
		{"not UTF-8", "a\xffb", ""},
		{"tab", "a\tb", ""},
		{"delete", "a\x7fb", ""},
		{"newline", "a\nNats-Msg-Id: x", ""},
		{"NUL", "a\x00b", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			r.serve(request(created, func(req *http.Request) {
				req.Header["X-Zm-Request-Id"] = []string{c.value}
				req.Header["Traceparent"] = []string{c.value} // none of them is one
			}))
			got := r.bus.all()
			if len(got) != 1 || got[0].RequestID != c.want || got[0].TraceParent != "" {
				t.Errorf("published %+v, want the request's id as %q and no trace", got, c.want)
			}
		})
	}
}

// Zoom's trace travels on, one that is malformed does not.
func TestTheTraceTravels(t *testing.T) {
	t.Parallel()
	const good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	for name, c := range map[string]struct{ value, want string }{
		"well-formed": {good, good},
		"not sampled": {good[:53] + "00", good[:53] + "00"},
		"all zeros":   {"00-00000000000000000000000000000000-00f067aa0ba902b7-01", ""},
		"cut off":     {good[:54], ""},
		"with more":   {good + "-x", ""},
		"upper case":  {strings.ToUpper(good), ""},
		"none":        {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			r.serve(request(created, func(req *http.Request) { req.Header.Set("traceparent", c.value) }))
			if got := r.bus.all(); len(got) != 1 || got[0].TraceParent != c.want {
				t.Errorf("published %+v, want the trace %q", got, c.want)
			}
		})
	}
}

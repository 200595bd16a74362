package webhook_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// FuzzReceive sends any body, signed and not. Nothing panics; what Zoom signed
// is never answered 4xx, for Zoom would drop it (unless it asks for the signature
// of what is no token), and is on the bus as it came
// unless there is no use for it; what Zoom did not sign changes nothing.
func FuzzReceive(f *testing.F) {
	for _, body := range []string{
		created, "", "null", "[]", "{", `{"event":"endpoint.url_validation","payload":{"plainToken":"x"}}`, validation("qgg8vlvZRS6UYooatFL8Aw"),
		`{"event":"user.settings_updated","event_ts":"1e12","payload":{"object":{"id":7}}}`,
		`{"event":"meeting.created","payload":[]}`, "\xff\xfe", `{"event":"meeting.created","event_ts":-9223372036854775808,"payload":{}}`,
	} {
		f.Add([]byte(body), now, "", "", "id", true)
	}
	f.Add([]byte(created), now, "v0="+strings.Repeat("0", 64), "00-1-2-3", "\n", false)
	f.Add([]byte(created), "", "v0=", "", strings.Repeat("x", 300), false)
	f.Fuzz(func(t *testing.T, body []byte, timestamp, signature, trace, id string, signed bool) {
		r := newRig(t, nil)
		if signed {
			if timestamp == "" || strings.Trim(timestamp, "0123456789") != "" || len(timestamp) > 20 {
				timestamp = now
			}
			signature = sign(secret, timestamp, string(body))
		} else if signature == sign(secret, timestamp, string(body)) {
			t.Skip("signed after all")
		}
		w := r.serve(request(string(body), func(req *http.Request) {
			req.Header["X-Zm-Request-Timestamp"] = []string{timestamp}
			req.Header["X-Zm-Signature"] = []string{signature}
			req.Header["Traceparent"] = []string{trace}
			req.Header["X-Zm-Request-Id"] = []string{id}
		}))
		got, counts := r.bus.all(), r.counts(t)
		if len(counts) != 1 {
			t.Fatalf("counted %v", counts)
		}
		switch {
		case !signed:
			if w.Code != http.StatusUnauthorized || len(got) != 0 || r.parsed() != 0 {
				t.Fatalf("not signed: status %d, %d published, parsed %d times", w.Code, len(got), r.parsed())
			}
			return
		case w.Code == http.StatusBadRequest && counts["bad_token"] == 1:
			if len(got) != 0 || strings.Contains(w.Body.String(), "encrypted") {
				t.Fatalf("published %+v, answered %s", got, w.Body)
			}
			return
		case w.Code != http.StatusNoContent && w.Code != http.StatusOK:
			t.Fatalf("signed: status %d", w.Code)
		case counts["unwanted"] == 1:
			if len(got) != 0 {
				t.Fatalf("published %+v", got)
			}
			return
		}
		if len(got) != 1 || !slices.Equal(got[0].Body, body) || len(got[0].ID) != 64 {
			t.Fatalf("published %+v, want the body as it came", got)
		}
		for _, v := range []string{got[0].RequestID, got[0].TraceParent} {
			if len(v) > 256 || strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Fatalf("header value %q travels", v)
			}
		}
		if got[0].dead && (got[0].reason == "" || len(got[0].reason) > 300) {
			t.Fatalf("reason %q", got[0].reason)
		}
	})
}

// BenchmarkReceive is the whole path of a delivery but the socket and the disk,
// the making of the request included.
func BenchmarkReceive(b *testing.B) {
	r := newRig(b, nil)
	signature := sign(secret, now, created)
	b.ReportAllocs()
	for b.Loop() {
		r.bus.got = r.bus.got[:0]
		req := request(created, func(req *http.Request) { req.Header.Set("x-zm-signature", signature) })
		if w := r.serve(req); w.Code != http.StatusNoContent {
			b.Fatalf("status %d", w.Code)
		}
	}
}

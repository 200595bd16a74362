package webhook_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	private "latchkey/internal/secret"
	"latchkey/internal/webhook"
)

// TestNotZooms is about requests that are not Zoom's: 401, and nothing of the
// body is looked at.
func TestNotZooms(t *testing.T) {
	t.Parallel()
	good := sign(secret, now, created)
	set := func(key, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(key, value) }
	}
	for _, c := range []struct {
		name    string
		body    string // what is sent, when it is not what was signed
		spoil   func(*http.Request)
		problem string // what the log says to whoever sets the endpoint up
	}{
		{"no signature", "", func(r *http.Request) { r.Header.Del("x-zm-signature") }, "x-zm-signature is missing"},
		{"no timestamp", "", func(r *http.Request) { r.Header.Del("x-zm-request-timestamp") }, "x-zm-request-timestamp is missing"},
		{"neither", "", func(r *http.Request) { r.Header = http.Header{} }, "x-zm-signature is missing"},
		{"another version", "", set("x-zm-signature", "v1="+good[3:]), "does not begin with v0="},
		{"no version", "", set("x-zm-signature", good[3:]), "does not begin with v0="},
		{"too short", "", set("x-zm-signature", good[:len(good)-2]), "different secret token"},
		{"too long", "", set("x-zm-signature", good+"00"), "different secret token"},
		{"version alone", "", set("x-zm-signature", "v0="), "different secret token"},
		{"not hex", "", set("x-zm-signature", "v0="+strings.Repeat("zz", 32)), "different secret token"},
		{"all zeros", "", set("x-zm-signature", "v0="+strings.Repeat("00", 32)), "different secret token"},
		{"one digit changed", "", set("x-zm-signature", "v0="+flip(good[3:])), "different secret token"},
		{"wrong secret", "", set("x-zm-signature", sign("another", now, created)), "different secret token"},
		{"empty secret", "", set("x-zm-signature", sign("", now, created)), "different secret token"},
		{"timestamp of another request", "", set("x-zm-request-timestamp", "1772366401"), "different secret token"},
		{"same JSON in other bytes", strings.ReplaceAll(created, `":`, `": `), nil, "different secret token"},
		{"one byte appended", created + "\n", nil, "different secret token"},
		{"blank body", " ", nil, "different secret token"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			body := created
			if c.body != "" {
				body = c.body
			}
			w := r.serve(request(body, func(req *http.Request) {
				req.Header.Set("x-zm-signature", good)
				if c.spoil != nil {
					c.spoil(req)
				}
			}))
			if w.Code != http.StatusUnauthorized {
				t.Errorf("status %d, want 401", w.Code)
			}
			if n := len(r.bus.all()); n != 0 {
				t.Errorf("%d were published", n)
			}
			if r.parsed() != 0 {
				t.Error("the body was parsed")
			}
			r.counted(t, "unauthorized")
			if log := r.log.String(); !strings.Contains(log, c.problem) {
				t.Errorf("the log does not say %q:\n%s", c.problem, log)
			}
			for _, text := range []string{r.log.String(), w.Body.String()} {
				if strings.Contains(text, marker) || strings.Contains(text, secret) {
					t.Errorf("a secret shows in %q", text)
				}
			}
		})
	}
}

func flip(hex string) string {
	if hex[0] == '0' {
		return "1" + hex[1:]
	}
	return "0" + hex[1:]
}

func TestEachSecretIsAccepted(t *testing.T) {
	t.Parallel()
	secrets := []private.String{"first", "second", "third"}
	for _, private := range secrets {
		s := private.Reveal()
		t.Run(s, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, func(o *webhook.Options) { o.Secrets = ours(secrets...); o.MostAtOnce = 1 })
			// Twice, with a refused one in between: what is kept for the next
			// check may not depend on the last one.
			for range 2 {
				for _, by := range []string{s, "fourth"} {
					w := r.serve(request(created, func(req *http.Request) { req.Header.Set("x-zm-signature", sign(by, now, created)) }))
					want := http.StatusNoContent
					if by != s {
						want = http.StatusUnauthorized
					}
					if w.Code != want {
						t.Fatalf("signed with %s: status %d, want %d", by, w.Code, want)
					}
				}
			}
			if n := len(r.bus.all()); n != 2 {
				t.Errorf("%d were published, want 2", n)
			}
		})
	}
	t.Run("hex in capitals", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, nil)
		w := r.serve(request(created, func(req *http.Request) {
			req.Header.Set("x-zm-signature", "v0="+strings.ToUpper(sign(secret, now, created)[3:]))
		}))
		if w.Code != http.StatusNoContent {
			t.Errorf("status %d, want 204", w.Code)
		}
	})
}

// TestOneSignatureOneBody: of a captured delivery neither the timestamp nor the
// body can be cut elsewhere: what was signed is v0:TIMESTAMP:BODY.
func TestOneSignatureOneBody(t *testing.T) {
	t.Parallel()
	const captured = `{"event":"meeting.created","event_ts":1626230691572,"payload":{"account_id":"acct","object":{"id":1}}}`
	signature := sign(secret, now, captured)
	send := func(timestamp, body, signature string) (status, published int, log string) {
		r := newRig(t, nil)
		w := r.serve(request(body, func(req *http.Request) {
			req.Header.Set("x-zm-request-timestamp", timestamp)
			req.Header.Set("x-zm-signature", signature)
		}))
		return w.Code, len(r.bus.all()), r.log.String()
	}
	if status, published, _ := send(now, captured, signature); status != http.StatusNoContent || published != 1 {
		t.Fatalf("as it was: status %d, %d published", status, published)
	}
	for i, c := range captured {
		if c != ':' {
			continue
		}
		if status, published, log := send(now+":"+captured[:i], captured[i+1:], signature); status != http.StatusUnauthorized || published != 0 || !strings.Contains(log, "not digits") {
			t.Errorf("cut at byte %d: status %d, %d published: want 401 and none\n%s", i, status, published, log)
		}
	}
	for _, ts := range []string{"yesterday", "-1", "+1772366400", "1772366400 1", "1772366400.5", "1e9", "0x10", "\u0661\u0667", strings.Repeat("1", 21)} {
		if status, published, _ := send(ts, captured, sign(secret, ts, captured)); status != http.StatusUnauthorized || published != 0 {
			t.Errorf("timestamp %q: status %d, %d published: want 401 and none", ts, status, published)
		}
	}
}

func TestNewRefusesToTrustEverybody(t *testing.T) {
	t.Parallel()
	for name, secrets := range map[string][]private.String{
		"none":                nil,
		"no entry":            {},
		"empty":               {""},
		"spaces":              {" \t"},
		"one of two is empty": {"good", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if h, err := webhook.New(webhook.Options{Secrets: ours(secrets...)}); err == nil || h != nil {
				t.Errorf("New = %v, %v: want an error", h, err)
			}
		})
	}
}

// TestTooLarge sends more than 1 MiB, announced and not.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	fits := created + strings.Repeat(" ", webhook.MaxBody-len(created))
	for _, c := range []struct {
		name     string
		body     string
		announce bool
		status   int
		result   string
	}{
		{"exactly the cap, announced", fits, true, http.StatusNoContent, "accepted"},
		{"exactly the cap, not announced", fits, false, http.StatusNoContent, "accepted"},
		{"one more, announced", fits + " ", true, http.StatusRequestEntityTooLarge, "too_large"},
		{"one more, not announced", fits + " ", false, http.StatusRequestEntityTooLarge, "too_large"},
		{"far more, not announced", strings.Repeat(fits, 4), false, http.StatusRequestEntityTooLarge, "too_large"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			w := r.serve(request(c.body, func(req *http.Request) {
				if !c.announce {
					req.ContentLength = -1
				}
			}))
			if w.Code != c.status {
				t.Errorf("status %d, want %d", w.Code, c.status)
			}
			r.counted(t, c.result)
			if c.status != http.StatusNoContent && (len(r.bus.all()) != 0 || r.parsed() != 0) {
				t.Error("it was parsed or published")
			}
		})
	}
	t.Run("announced, and not read", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, nil)
		w := r.serve(request("", func(req *http.Request) {
			req.Body, req.ContentLength = io.NopCloser(iotest.ErrReader(errors.New("read"))), webhook.MaxBody+1
		}))
		if w.Code != http.StatusRequestEntityTooLarge {
			t.Errorf("status %d, want 413 before the body is read", w.Code)
		}
	})
}

func TestOtherMethodsAndPaths(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		w := r.serve(request(created, func(req *http.Request) { req.Method = method }))
		if w.Code != http.StatusNotFound && w.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s: status %d, want 404 or 405", method, w.Code)
		}
	}
	w := r.serve(request(created, func(req *http.Request) { req.URL.Path = "/webhooks/zoom/x" }))
	if w.Code != http.StatusNotFound {
		t.Errorf("another path: status %d, want 404", w.Code)
	}
	if n := len(r.bus.all()); n != 0 {
		t.Errorf("%d were published", n)
	}
}

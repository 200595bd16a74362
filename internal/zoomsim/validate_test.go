package zoomsim

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestValidateWebhook(t *testing.T) {
	t.Parallel()
	var secret string
	mode := "good"
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var v struct {
			Event   string
			Payload struct{ PlainToken string }
		}
		if err := json.NewDecoder(r.Body).Decode(&v); err != nil || v.Event != "endpoint.url_validation" ||
			r.Header.Get("x-zm-signature") == "" {
			t.Errorf("%v %+v %v", err, v, r.Header)
		}
		answer := obj{"plainToken": v.Payload.PlainToken, "encryptedToken": hmacHex(secret, []byte(v.Payload.PlainToken))}
		switch mode {
		case "status":
			w.WriteHeader(http.StatusCreated)
		case "secret":
			answer["encryptedToken"] = hmacHex("other", []byte(v.Payload.PlainToken))
		case "token":
			answer["plainToken"] = "x"
		}
		_ = json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(srv.Close)
	s := start(t, oneHost, func(o *Options) { o.WebhookURL = srv.URL })
	secret = s.Credentials("").SecretToken
	ctx := t.Context()
	if err := s.ValidateWebhook(ctx); err != nil {
		t.Fatal(err)
	}
	s.want(204, "POST", "/_sim/validate", nil)
	for i, m := range []string{"status", "secret", "token", "secret", "token"} {
		if mode = m; s.ValidateWebhook(ctx) == nil {
			t.Errorf("failure %d (%s) was not seen", i+1, m)
		}
	}
	if err := s.ValidateWebhook(ctx); !errors.Is(err, ErrWebhookDisabled) {
		t.Errorf("after six failures: %v", err)
	}
	mode = "good"
	s.want(204, "PUT", "/_sim/webhook", obj{"url": srv.URL})
	if err := s.ValidateWebhook(ctx); err != nil {
		t.Error(err)
	}
}

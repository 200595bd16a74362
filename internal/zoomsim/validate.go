package zoomsim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// maxValidations is how many url validations in a row may fail before Zoom
// disables the endpoint (Z-HOOK-14).
const maxValidations = 6

// ErrWebhookDisabled says that six validations in a row failed; SetWebhookURL
// enables the endpoint again.
var ErrWebhookDisabled = errors.New("zoomsim: webhook endpoint disabled after six failed validations")

// ValidateWebhook sends endpoint.url_validation with each account's secret, as
// Zoom does when an endpoint is configured and every 72 hours, and checks the
// answer: 200 within the timeout with both tokens right. It asks the webhook URL
// alone, also where Options.Deliver takes the webhooks.
func (s *Server) ValidateWebhook(ctx context.Context) error {
	s.mu.Lock()
	accounts := s.world.accounts
	s.mu.Unlock()
	var errs []error
	for _, a := range accounts {
		if err := s.validate(ctx, a); err != nil {
			errs = append(errs, fmt.Errorf("account %s: %w", a.ID, err))
		}
	}
	err := errors.Join(errs...)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.badValidations = 0
		return nil
	}
	if s.badValidations++; s.badValidations >= maxValidations {
		s.out.setURL("")
		return errors.Join(ErrWebhookDisabled, err)
	}
	return err
}

func (s *Server) validate(ctx context.Context, a *account) error {
	url := s.out.getURL()
	if url == "" {
		return errors.New("no webhook url is set")
	}
	plain := s.world.src.hex(11)
	now := s.now()
	body, err := json.Marshal(obj{
		"event": "endpoint.url_validation", "event_ts": now.UnixMilli(), "payload": obj{"plainToken": plain},
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.out.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	d := &delivery{acct: a, body: body, trace: "00-" + s.world.src.hex(16) + "-" + s.world.src.hex(8) + "-01"}
	d.RequestID = s.world.src.requestID()
	s.out.sign(req.Header, d, now)
	resp, err := s.out.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d, want 200", resp.StatusCode)
	}
	var answer struct {
		Plain     string `json:"plainToken"`
		Encrypted string `json:"encryptedToken"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<16)).Decode(&answer); err != nil {
		return fmt.Errorf("answer is not JSON: %w", err)
	}
	if answer.Plain != plain {
		return errors.New("plainToken was not sent back")
	}
	if answer.Encrypted != hmacHex(a.cred.SecretToken, []byte(plain)) {
		return errors.New("encryptedToken does not match the secret token")
	}
	return nil
}

func (o *outbox) setURL(url string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.url = url
}

func (o *outbox) getURL() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.url
}

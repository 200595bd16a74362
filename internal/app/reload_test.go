package app_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"latchkey/internal/app"
	"latchkey/internal/config"
	"latchkey/internal/passcode"
	"latchkey/internal/testenv"
	"latchkey/internal/webhook"
	"latchkey/internal/zoomsim"
)

// TestPoliciesAndSecretsAreReadAgain while it runs: what is right holds from then
// on, what is wrong is refused whole.
func TestPoliciesAndSecretsAreReadAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
		return file
	}
	r := newRig(t, "DATABASE_URL="+emptyMigrated(t), "NATS_URL="+testenv.NATS(t).URL(), "LATCHKEY_CONFIG="+write("latchkey.yaml", "policies:\n  - {policy: observe}\n"))
	c := r.sim.Credentials("")
	for i, kv := range r.environ {
		switch {
		case strings.HasPrefix(kv, "ZOOM_WEBHOOK_SECRET_TOKEN="):
			r.environ[i] = "ZOOM_WEBHOOK_SECRET_TOKEN_FILE=" + write("webhook", c.SecretToken)
		case strings.HasPrefix(kv, "ZOOM_CLIENT_SECRET="):
			r.environ[i] = "ZOOM_CLIENT_SECRET_FILE=" + write("client", "not-the-secret")
		}
	}
	hup := make(chan os.Signal)
	cfg := must(config.Load(r.environ, config.Both))
	a, err := app.New(app.Options{Config: cfg, Ingest: true, Worker: true, Logger: app.NewLogger(cfg, r.log), Environ: r.environ, Reload: hup})
	if err == nil {
		err = a.Start(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := a.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	r.app = a
	r.sim.SetWebhookURL("http://" + a.IngestAddr() + webhook.Path)
	says := func(words string) {
		t.Helper()
		hup <- syscall.SIGHUP
		testenv.Until(t, words, func() bool { return strings.Contains(r.log.String(), words) })
	}
	signed := func(secret string) int {
		t.Helper()
		const body = `{"event": "meeting.sharing_started", "event_ts": 1795435200000, "payload": {}}`
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+a.IngestAddr()+webhook.Path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("x-zm-request-timestamp", "1795435200")
		req.Header.Set("x-zm-signature", zoomsim.Sign(secret, "1795435200", []byte(body)))
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}

	// The client's secret: wrong at first, right without a restart.
	m := r.create(t, hostOn)
	testenv.Until(t, "Zoom's refusal is noted", func() bool { return strings.Contains(r.log.String(), "oauth") })
	write("client", c.ClientSecret)
	says("hold from now on")
	testenv.Exec(t, cfg.DatabaseURL, `UPDATE account_calls SET retry_at = now(); UPDATE meetings SET due_at = now(); UPDATE hosts SET due_at = now()`)
	testenv.Until(t, "it is observed", func() bool {
		row, err := a.Store().Meeting(t.Context(), m.ID)
		return err == nil && row.Outcome == passcode.OutcomeDemands && strings.Contains(row.Why, "the policy is to observe only")
	})

	// Wrong: refused whole.
	write("webhook", "another-secret")
	write("latchkey.yaml", "policies:\n  - {policy: waiting-room}\n  - {policy: nonsense}\n")
	says("the configuration was not taken over")
	if got := signed("another-secret"); got != http.StatusUnauthorized {
		t.Errorf("a secret that came with a wrong policy: %d", got)
	}
	write("latchkey.yaml", "accounts:\n  - {id: another, client_id: x, client_secret: {file: "+write("x", "y")+"}, webhook_secret: {file: "+write("z", "zz")+"}}\n")
	says("that needs a restart")

	// Right: from now on, for what is known too.
	write("webhook", "another-secret,"+c.SecretToken)
	write("latchkey.yaml", "policies:\n  - {policy: waiting-room}\n")
	hup <- syscall.SIGHUP
	testenv.Until(t, "the other secret is taken", func() bool { return signed("another-secret") == http.StatusNoContent })
	if got := signed(c.SecretToken); got != http.StatusNoContent {
		t.Errorf("the old secret while rotating: %d", got)
	}
	r.settled(t, m.ID, passcode.OutcomeJoinable)

	// And without a signal, when the file changes.
	write("webhook", "third-secret")
	testenv.Until(t, "the third secret is taken", func() bool { return signed("third-secret") == http.StatusNoContent })
	if got := signed(c.SecretToken); got != http.StatusUnauthorized {
		t.Errorf("the old secret after rotating: %d", got)
	}
}

package webhook_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"latchkey/internal/intake"
	private "latchkey/internal/secret"
	"latchkey/internal/testenv"
	"latchkey/internal/webhook"
	"latchkey/internal/zoom"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.TestMode)
	goleak.VerifyTestMain(m)
}

const (
	secret = "s3cret-of-the-app"
	// marker stands for a passcode in bodies: it may show up nowhere.
	marker  = "Pass7code"
	created = `{"event":"meeting.created","event_ts":1626230691572,"payload":{"account_id":"acct","operation":"all","object":{"id":85746065432,"password":"` + marker + `"}}}`
	now     = "1772366400" // arrival in seconds
)

var arrival = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// sign is Zoom's signature (Z-HOOK-4).
func sign(secret, timestamp, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = io.WriteString(mac, "v0:"+timestamp+":"+body)
	return "v0=" + hex.EncodeToString(mac.Sum(nil))
}

type published struct {
	dead   bool
	reason string
	webhook.Delivery
}

// bus is a Bus with switches.
type bus struct {
	fail error // what both calls answer
	// entered and release make both calls wait when they are set.
	entered chan struct{}
	release chan struct{}

	mu  sync.Mutex
	got []published
}

func (b *bus) PublishEvent(ctx context.Context, d webhook.Delivery) error {
	return b.publish(ctx, published{Delivery: d})
}

func (b *bus) PublishDead(ctx context.Context, reason string, d webhook.Delivery) error {
	return b.publish(ctx, published{dead: true, reason: reason, Delivery: d})
}

func (b *bus) publish(ctx context.Context, p published) error {
	if b.entered != nil {
		b.entered <- struct{}{}
		select {
		case <-b.release:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if b.fail != nil {
		return b.fail
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.got = append(b.got, p)
	return nil
}

func (b *bus) all() []published {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]published(nil), b.got...)
}

// rig is the endpoint in the real router, with everything around it watched.
type rig struct {
	router   *gin.Engine
	bus      *bus
	metrics  *webhook.Metrics
	registry *prometheus.Registry
	log      *testenv.Buffer

	mu      sync.Mutex
	decoded int // bodies that were parsed
}

func newRig(t testing.TB, change func(*webhook.Options)) *rig {
	t.Helper()
	r := &rig{router: gin.New(), bus: &bus{}, registry: prometheus.NewRegistry(), log: &testenv.Buffer{}}
	r.metrics = webhook.NewMetrics(r.registry)
	o := webhook.Options{
		Secrets: ours(secret), Bus: r.bus, Wanted: intake.Wanted, Metrics: r.metrics,
		Decode: r.decode, Now: func() time.Time { return arrival },
		Logger: slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if change != nil {
		change(&o)
	}
	h, err := webhook.New(o)
	if err != nil {
		t.Fatal(err)
	}
	h.Register(r.router)
	return r
}

// decode is what package app hands to the endpoint.
func (r *rig) decode(body []byte) (webhook.Envelope, error) {
	r.mu.Lock()
	r.decoded++
	r.mu.Unlock()
	e, err := zoom.DecodeEnvelope(body)
	env := webhook.Envelope{Event: e.Event, AccountID: e.AccountID, HasTime: !e.At.IsZero()}
	if e.Event == zoom.EventURLValidation {
		env.PlainToken = e.PlainToken
	}
	return env, err
}

func (r *rig) parsed() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.decoded
}

// request makes a validly signed delivery; change may spoil it.
func request(body string, change func(*http.Request)) *http.Request {
	req := httptest.NewRequest(http.MethodPost, webhook.Path, strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("x-zm-request-timestamp", now)
	req.Header.Set("x-zm-signature", sign(secret, now, body))
	if change != nil {
		change(req)
	}
	return req
}

func (r *rig) serve(req *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r.router.ServeHTTP(w, req)
	return w
}

// counts returns what the counter says, without the zeros.
func (r *rig) counts(t testing.TB) map[string]float64 {
	t.Helper()
	families, err := r.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		if f.GetName() != "latchkey_webhook_deliveries_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			if v := m.GetCounter().GetValue(); v != 0 {
				got[m.GetLabel()[0].GetValue()] = v
			}
		}
	}
	return got
}

// counted fails unless exactly one delivery was counted, as result.
func (r *rig) counted(t testing.TB, result string) {
	t.Helper()
	if got := r.counts(t); len(got) != 1 || got[result] != 1 {
		t.Errorf("counted %v, want one %s", got, result)
	}
}

// ours are secrets of an account that is not known, as of a single one.
func ours(values ...private.String) []webhook.Secret {
	var all []webhook.Secret
	for _, v := range values {
		all = append(all, webhook.Secret{Value: v})
	}
	return all
}

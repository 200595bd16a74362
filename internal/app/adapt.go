package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"latchkey/internal/bus"
	"latchkey/internal/config"
	"latchkey/internal/intake"
	"latchkey/internal/store"
	"latchkey/internal/webhook"
	"latchkey/internal/zoom"
)

// The adapters know nothing of each other; here they are fitted together.

// ingestBus is the bus as ingest sees it.
type ingestBus struct{ *bus.Bus }

func (b ingestBus) PublishEvent(ctx context.Context, d webhook.Delivery) error {
	return b.Bus.PublishEvent(ctx, busEvent(d))
}

func (b ingestBus) PublishDead(ctx context.Context, reason string, d webhook.Delivery) error {
	return b.Bus.PublishDead(ctx, "ingest", reason, busEvent(d))
}

func busEvent(d webhook.Delivery) bus.Event {
	return bus.Event{ID: d.ID, AccountID: d.AccountID, SignedFor: d.SignedFor, Name: d.Event, Body: d.Body,
		ReceivedAt: d.ReceivedAt, RequestID: d.RequestID, TraceParent: d.TraceParent}
}

// workerBus is the bus as the worker sees it.
type workerBus struct{ *bus.Bus }

func (b workerBus) consume(ctx context.Context, parallel int, again func(), handle func(context.Context, intake.Frame) error) {
	b.Bus.Consume(ctx, parallel, func(ctx context.Context, f bus.Frame) error {
		if f.Attempt > 1 {
			again()
		}
		frame := intake.Frame{InProgress: f.InProgress}
		for _, e := range f.Parts {
			frame.Events = append(frame.Events, intakeEvent(e, f.Problem))
		}
		return handle(ctx, frame)
	})
}

func intakeEvent(e bus.Event, problem error) intake.Event {
	return intake.Event{ID: e.ID, Body: e.Body, SignedFor: e.SignedFor, ReceivedAt: e.ReceivedAt, RequestID: e.RequestID, TraceParent: e.TraceParent, Attempts: e.Attempts, Problem: problem}
}

func (b workerBus) publishAlert(ctx context.Context, a store.Alert) error {
	err := b.Bus.PublishAlert(ctx, bus.Alert{ID: a.ID, Seq: a.Seq, AccountID: a.AccountID, Type: a.Type, Subject: a.Subject, Time: a.CreatedAt, Data: a.Data, Trace: a.Trace})
	if errors.Is(err, bus.ErrRefused) {
		return fmt.Errorf("%w: %w", store.ErrRefused, err)
	}
	return err
}

// lastSequence asks the stream of alerts, where the right to is taken for granted.
func (b workerBus) lastSequence(streamsExist bool) func(context.Context) (int64, error) {
	if streamsExist {
		return nil
	}
	return func(ctx context.Context) (int64, error) {
		if err := b.Check(); err != nil {
			return 0, err
		}
		return b.LastAlertSeq(ctx)
	}
}

func (b workerBus) publishDead(ctx context.Context, reason string, e intake.Event) error {
	env, _ := zoom.DecodeEnvelope(e.Body) // what can be known of it
	return b.Bus.PublishDead(ctx, "intake", reason, bus.Event{ID: e.ID, AccountID: env.AccountID, SignedFor: e.SignedFor, Name: env.Event,
		Body: e.Body, ReceivedAt: e.ReceivedAt, RequestID: e.RequestID, TraceParent: e.TraceParent, Attempts: e.Attempts})
}

// decodeEnvelope is Zoom's event as ingest sees it.
func decodeEnvelope(body []byte) (webhook.Envelope, error) {
	e, err := zoom.DecodeEnvelope(body)
	env := webhook.Envelope{Event: e.Event, AccountID: e.AccountID, HasTime: !e.At.IsZero()}
	if e.Event == zoom.EventURLValidation {
		env.PlainToken = e.PlainToken
	}
	return env, err
}

// callMetrics counts the calls to Zoom's API.
func callMetrics(reg prometheus.Registerer) func(zoom.Exchange) {
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "latchkey_zoom_call_seconds", Help: "Calls to Zoom's API, by call and by how they ended.",
		Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"call", "result"})
	calls := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "latchkey_zoom_calls_total", Help: "Calls to Zoom's API, by Zoom's rate-limit label and by HTTP status (none: no answer).",
	}, []string{"label", "status"})
	reg.MustRegister(seconds, calls)
	return func(x zoom.Exchange) {
		result := string(x.Kind)
		if result == "" {
			result = "ok"
		}
		seconds.WithLabelValues(x.Call, result).Observe(x.Took.Seconds())
		calls.WithLabelValues(string(x.Label), statusLabel(x.Status)).Inc()
	}
}

// statusLabel is an HTTP status as a label, of which there are few whatever answers.
func statusLabel(status int) string {
	switch {
	case status == 0:
		return "none"
	case http.StatusText(status) == "":
		return "other"
	}
	return strconv.Itoa(status)
}

// flag is set once.
type flag struct{ v atomic.Bool }

func (f *flag) set()     { f.v.Store(true) }
func (f *flag) on() bool { return f.v.Load() }

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// zoomClient makes the client of one account; without a limiter it paces itself alone.
func zoomClient(c config.Config, account config.Account, limiter zoom.Limiter, onCall func(zoom.Exchange)) *zoom.Client {
	rates, _ := zoom.RatesFor(account.Plan)
	return zoom.New(zoom.Options{
		Credentials: zoom.Credentials{AccountID: account.ID, ClientID: account.ClientID, ClientSecret: account.ClientSecret},
		APIURL:      c.APIURL, OAuthURL: c.OAuthURL, Limiter: limiter, Rates: rates, OnCall: onCall,
	})
}

// ZoomFor returns the client of one account, for commands; false when the account
// is not configured.
func ZoomFor(c config.Config, accountID string) (*zoom.Client, bool) {
	for _, account := range c.AllAccounts() {
		if account.ID == accountID {
			return zoomClient(c, account, nil, nil), true
		}
	}
	return nil, false
}

package zoomsim

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"log/slog"
	"net/http"
	"time"
)

// Options configure a simulator; the zero value is a working one.
type Options struct {
	Scenario       Scenario         // no accounts: DefaultScenario
	Listen         string           // default 127.0.0.1:0
	InProcess      bool             // no listener: calls come through RoundTripper alone
	WebhookURL     string           // "" = none yet, webhooks are lost
	Now            func() time.Time // default time.Now
	RetryDelays    []time.Duration  // between attempts; default 5m, 20m, 60m (Z-HOOK-8)
	WebhookTimeout time.Duration    // default 3s
	Seed           uint64           // ids, passcodes, malice; 0: the scenario's, else random
	Documents      Documents        // "": the scenario's, else Documents2025
	Logger         *slog.Logger     // default: discards
	Malice         Malice           // added to the scenario's where a knob is not 0
	// History caps the lists of Requests and of Deliveries, each: where one is
	// full its older half goes. 0 is 50 000, and less than 0 keeps none, which
	// leaves the app's webhook log empty too. Tally counts without it.
	History int
	// Deliver, if set, is handed every webhook instead of WebhookURL, one after
	// the other: Zoom's headers, signature among them, and the raw body. It
	// returns the HTTP status; 0 and less stand for a connection that failed.
	// It has WebhookTimeout, which ends ctx: what it returns later than that
	// does not count. It may call the simulator, but not WaitDeliveries or Stop.
	Deliver func(ctx context.Context, header http.Header, body []byte) int
	// NewTimer replaces time.NewTimer for webhook retries and for delays by
	// faults; the func stops it. WebhookTimeout runs by the clock of package time.
	NewTimer func(time.Duration) (<-chan time.Time, func())
}

func (o Options) withDefaults() Options {
	if len(o.Scenario.Accounts) == 0 {
		d := DefaultScenario()
		o.Scenario.Accounts = d.Accounts
	}
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.RetryDelays == nil {
		o.RetryDelays = []time.Duration{5 * time.Minute, 20 * time.Minute, 60 * time.Minute}
	}
	if o.WebhookTimeout == 0 {
		o.WebhookTimeout = 3 * time.Second
	}
	if o.History == 0 {
		o.History = defaultHistory
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.NewTimer == nil {
		o.NewTimer = func(d time.Duration) (<-chan time.Time, func()) {
			t := time.NewTimer(d)
			return t.C, func() { t.Stop() }
		}
	}
	if o.Documents != "" {
		o.Scenario.Documents = o.Documents
	}
	if o.Seed == 0 {
		o.Seed = o.Scenario.Seed
	}
	for o.Seed == 0 {
		var b [8]byte
		_, _ = rand.Read(b[:]) // never fails, see crypto/rand
		o.Seed = binary.LittleEndian.Uint64(b[:])
	}
	return o
}

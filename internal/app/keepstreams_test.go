package app_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"latchkey/internal/passcode"
	"latchkey/internal/testenv"
)

// TestStreamsThatAreDeletedComeBackAtOnce: somebody deletes what events travel
// through; the next ones are repaired all the same, and soon.
func TestStreamsThatAreDeletedComeBackAtOnce(t *testing.T) {
	t.Parallel()
	r := newRunningRig(t)
	js := r.jetStream(t)
	for name, remove := range map[string]func(context.Context) error{
		"the consumer": func(ctx context.Context) error { return js.DeleteConsumer(ctx, "LATCHKEY_EVENTS", "frames") },
		"the events":   func(ctx context.Context) error { return js.DeleteStream(ctx, "LATCHKEY_EVENTS") },
		"the alerts":   func(ctx context.Context) error { return js.DeleteStream(ctx, "LATCHKEY_ALERTS") },
	} {
		t.Run(name, func(t *testing.T) {
			first := r.create(t, hostOn)
			r.settled(t, first.ID, passcode.OutcomeJoinable)
			if err := remove(t.Context()); err != nil {
				t.Fatal(err)
			}
			gone := time.Now()
			second := r.create(t, hostOn)
			r.settled(t, second.ID, passcode.OutcomeJoinable)
			testenv.Until(t, "every alert is published", func() bool {
				c, err := r.app.Counters(t.Context())
				return err == nil && c.AlertsUnpublished == 0
			})
			testenv.Until(t, "ready", func() bool { return r.ready(t) == http.StatusOK })
			if took := time.Since(gone); took > 8*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

package bus

import (
	"testing"

	"latchkey/internal/testenv"
)

// TestErase: an account's messages go from all three streams, and nobody else's.
func TestErase(t *testing.T) {
	t.Parallel()
	b := connect(t, testenv.NATS(t).URL(), Streams{})
	noError(t, b.Ensure(t.Context()))
	for i, account := range []string{"gone.1", "stays", ""} {
		e := event(i)
		e.AccountID = account
		noError(t, b.PublishEvent(t.Context(), e))
		e.ID += "-dead"
		noError(t, b.PublishDead(t.Context(), "intake", "no use", e))
		noError(t, b.PublishAlert(t.Context(), Alert{ID: e.ID + "-alert", AccountID: account, Type: "meeting.repaired", Data: []byte(`{}`)}))
	}
	for range 2 { // again is no error
		noError(t, b.Erase(t.Context(), "gone.1"))
	}
	for _, stream := range []string{"LATCHKEY_EVENTS", "LATCHKEY_DEAD", "LATCHKEY_ALERTS"} {
		if n := info(t, b, stream).State.Msgs; n != 2 {
			t.Errorf("%s holds %d messages, want the two of others", stream, n)
		}
	}
	noError(t, b.Erase(t.Context(), "")) // of no account that is known
	for _, stream := range []string{"LATCHKEY_EVENTS", "LATCHKEY_DEAD", "LATCHKEY_ALERTS"} {
		if n := info(t, b, stream).State.Msgs; n != 1 {
			t.Errorf("%s holds %d messages, want the other's", stream, n)
		}
	}
}

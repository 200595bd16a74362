package bus

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// Erase removes every message of an account from the streams: its events, what
// was dead-lettered of them, and its alerts. Messages that a consumer has in
// progress are gone too; acknowledging them is then no error.
func (b *Bus) Erase(ctx context.Context, accountID string) error {
	for _, of := range []struct{ stream, subject string }{
		{b.name(kindEvents), FrameSubject(accountID)},
		{b.name(kindEvents), eventPrefix + token(accountID) + ".>"},
		{b.name(kindAlerts), alertPrefix + token(accountID) + ".>"},
		{b.name(kindDead), deadPrefix + "*." + token(accountID)},
	} {
		s, err := b.js.Stream(ctx, of.stream)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			continue
		}
		if err == nil {
			err = s.Purge(ctx, jetstream.WithPurgeSubject(of.subject))
		}
		if err != nil {
			return fmt.Errorf("erase account %s from stream %s: %w", accountID, of.stream, err)
		}
	}
	return nil
}

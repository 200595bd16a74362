package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"latchkey/internal/alert"
	"latchkey/internal/bus"
	"latchkey/internal/config"
	"latchkey/internal/store"
)

// watchDead alerts of dead letters, whoever wrote them: ingest has no database, so
// the worker reads the stream.
func (a *App) watchDead(ctx context.Context) {
	log := a.log.With("part", "dead letters")
	a.bus.WatchDead(ctx, func(_ context.Context, d bus.DeadLetter) error {
		cause := store.DeadCause{AccountID: d.Event.AccountID, Stage: d.Stage, Cause: alert.CauseOf(d.Reason), At: d.At}
		try, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		opened, err := a.store.DeadSeen(try, cause, alert.Dead(cause, d.ID))
		switch {
		case err != nil && store.Unavailable(err):
			sleep(ctx, 5*time.Second)
			return err // and seen again later
		case err != nil:
			log.Error("a dead letter cannot be alerted", "dead_letter", d.ID, "stage", d.Stage, "error", err)
		case opened:
			log.Warn("events become dead letters", "account_id", d.Event.AccountID, "stage", d.Stage, "cause", cause.Cause, "dead_letter", d.ID)
		}
		return nil
	})
}

// RunningNATS returns the URL of the embedded NATS server of a running `latchkey
// serve` with that state folder. It holds a password.
func RunningNATS(stateDir string) (string, error) {
	b, err := os.ReadFile(filepath.Join(stateDir, natsURLFile))
	if errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("NATS_URL is not set, and no latchkey with an embedded NATS server runs on %s: set NATS_URL, or LATCHKEY_STATE to the folder of the running one", stateDir)
	}
	if err != nil {
		return "", fmt.Errorf("the running NATS server's address cannot be read: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

// BusFor connects a command to the configured NATS server, or to the embedded one of
// a running latchkey: at once or not at all. It sets up no stream.
func BusFor(c config.Config, log *slog.Logger) (*bus.Bus, error) {
	if c.NATSURL == "" {
		dir, err := StateDir(c)
		if err == nil {
			c.NATSURL, err = RunningNATS(dir)
		}
		if err != nil {
			return nil, err
		}
	}
	o := busOptions(c, log)
	o.Connect, o.CreateOnly = append(o.Connect, nats.RetryOnFailedConnect(false)), true
	b, err := bus.Connect(o)
	if err != nil || c.StreamsExist {
		return b, err // their names are as configured
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := b.Locate(ctx); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

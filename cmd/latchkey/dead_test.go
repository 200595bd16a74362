package main

import (
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"latchkey/internal/bus"
	"latchkey/internal/testenv"
)

// deadLetters is the scripts' command of that name: a NATS server runs, as that of
// a latchkey on the script's state folder, and holds four dead letters.
func deadLetters(t *testing.T, ts *testscript.TestScript) {
	url := testenv.NATS(t).URL()
	b, err := bus.Connect(bus.Options{URL: url, Logger: slog.New(slog.DiscardHandler)})
	ts.Check(err)
	defer b.Close()
	ts.Check(b.Ensure(t.Context()))
	for n, of := range []struct{ stage, account, reason string }{{"intake", "acc", "field payload.object.id is missing"}, {"ingest", "other", "the body\u009b2J is no JSON"}, {"intake", "acc", "it panicked"}} {
		ts.Check(b.PublishDead(t.Context(), of.stage, of.reason, bus.Event{ID: fmt.Sprintf("event-%d", n+1), AccountID: of.account, Name: "meeting.created",
			Body: []byte(`{"password":"s3cret"}`), ReceivedAt: time.Date(2026, 11, 23, 20, 0, 0, 0, time.UTC)}))
	}
	ts.Check(b.PublishDead(t.Context(), "intake", "latchkey did not write it", bus.Event{Body: []byte("s3cret")}))
	ts.Check(os.WriteFile(ts.MkAbs("nats-url"), []byte(url+"\n"), 0o600))
}

package app_test

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"latchkey/internal/app"
	"latchkey/internal/bus"
	"latchkey/internal/config"
	"latchkey/internal/testenv"
)

// TestDeadLettersAreAlertedOnce: what ingest and intake give up on is alerted once
// for each kind of cause, and so is what JetStream gives up on; what is redriven and dies again is counted and no news.
func TestDeadLettersAreAlertedOnce(t *testing.T) {
	t.Parallel()
	db := emptyMigrated(t)
	r := newRig(t, "DATABASE_URL="+db, "NATS_URL="+testenv.NATS(t).URL())
	r.app = r.start(t, true, true)
	for _, body := range []string{`not json`, `neither "s3cret"`, `["an","array"]`,
		`{"event":"` + strings.Repeat("x", 101) + `"}`, `{"event":"` + strings.Repeat("x", 102) + `"}`,
		`{"event":"meeting.created","event_ts":1,"payload":{"account_id":"A","object":{"topic":"no id","password":"s3cret"}}}`,
		`{"event":"meeting.created","event_ts":2,"payload":{"account_id":"A","object":{"topic":"no id","password":"s3cret"}}}`} {
		if status := r.post(t, body); status != http.StatusNoContent {
			t.Fatalf("%.20s…: status %d", body, status)
		}
	}
	cfg, err := config.Load(r.environ, config.Both)
	if err != nil {
		t.Fatal(err)
	}
	b, err := app.BusFor(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	letters := func(f bus.DeadFilter) (all []bus.DeadLetter) {
		for d, err := range b.DeadLetters(t.Context(), f) {
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, d)
		}
		return all
	}
	js := r.jetStream(t)
	watched := func(letters uint64) {
		t.Helper()
		testenv.Until(t, "the worker has seen all of them", func() bool {
			c, err := js.Consumer(t.Context(), "LATCHKEY_DEAD", "dead-watch")
			return err == nil && c.CachedInfo().AckFloor.Stream == letters
		})
	}
	watched(7)
	ofIntake := bus.DeadFilter{Stage: "intake", AccountID: "A"}
	for _, d := range letters(ofIntake) {
		if err := b.Redrive(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	watched(9)
	all := letters(ofIntake)
	if len(all) != 2 || all[0].Event.Attempts != 2 || all[1].Event.Attempts != 2 {
		t.Errorf("%d after redriving two: %+v", len(all), all)
	}
	testenv.Until(t, "JetStream says that it gave up on a frame", func() bool { // as it does itself: internal/bus
		_, err := js.Publish(t.Context(), "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.LATCHKEY_EVENTS.frames", []byte(`{"consumer":"frames","stream_seq":1,"deliveries":3}`))
		return err == nil
	})
	watched(10)
	got := testenv.Query(t, db, `SELECT string_agg(account_id || '|' || (data ->> 'stage') || '|' || (data ->> 'cause'), E'\n' ORDER BY account_id, data ->> 'cause') FROM alerts WHERE type = 'event.dead'`)
	want := "|ingest|field event has … letters: want … to …\n|ingest|the body is not a JSON object\nA|delivery|delivered … times without success (max deliver of consumer frames)\nA|intake|field payload.object.id is missing"
	if got != want {
		t.Errorf("alerted:\n%s\nwant:\n%s", got, want)
	}
	if text := testenv.Query(t, db, `SELECT string_agg(data::text, ' ') FROM alerts`) + r.log.String(); strings.Contains(text, "s3cret") {
		t.Error("a passcode in an alert or the log")
	}
}

package app_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"latchkey/internal/app"
	"latchkey/internal/config"
	"latchkey/internal/passcode"
	"latchkey/internal/testenv"
)

// TestReplayAfterABackup: a database that lost what happened since its backup gets
// it from the stream, once; a dry run says how much and changes nothing.
func TestReplayAfterABackup(t *testing.T) {
	t.Parallel()
	begun := time.Now()
	r := newRunningRig(t)
	cfg := must(config.Load(r.environ, config.Both))
	first, second := r.create(t, hostOff), r.create(t, hostLocked)
	r.settled(t, first.ID, passcode.OutcomeJoinable)
	r.settled(t, second.ID, passcode.OutcomeDemands)
	if err := r.app.WaitQuiet(t.Context()); err != nil {
		t.Fatal(err)
	}
	testenv.Exec(t, cfg.DatabaseURL, `TRUNCATE meetings, events, passcodes, verdicts, repairs CASCADE`) // as an old backup has it
	replay := func(o app.ReplayOptions) app.Replayed {
		t.Helper()
		o.Since = begun
		got, err := app.Replay(t.Context(), cfg, app.NewLogger(cfg, r.log), o)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	dry := replay(app.ReplayOptions{DryRun: true})
	if dry.InStream["meeting.created"] != 2 || dry.New["meeting.created"] != 2 {
		t.Errorf("dry run: %+v", dry)
	}
	if n := testenv.Query(t, cfg.DatabaseURL, `SELECT count(*)::text FROM events`); n != "0" {
		t.Errorf("a dry run took %s events in", n)
	}
	if of := replay(app.ReplayOptions{Account: "another"}); len(of.InStream) != 0 {
		t.Errorf("of another account: %+v", of)
	}
	if of := replay(app.ReplayOptions{Event: "meeting.deleted"}); len(of.InStream) != 0 {
		t.Errorf("of another name: %+v", of)
	}
	if got := replay(app.ReplayOptions{Account: accountDemo}); got.New["meeting.created"] != 2 || got.Dead != 0 {
		t.Errorf("%+v", got)
	}
	r.settled(t, first.ID, passcode.OutcomeJoinable)
	r.settled(t, second.ID, passcode.OutcomeDemands)
	if again := replay(app.ReplayOptions{}); len(again.New) != 0 || again.InStream["meeting.created"] != 2 {
		t.Errorf("again: %+v", again)
	}
	none, err := app.Replay(t.Context(), cfg, app.NewLogger(cfg, r.log), app.ReplayOptions{Since: time.Now()})
	if err != nil || len(none.InStream) != 0 {
		t.Errorf("since now: %+v, %v", none, err)
	}
}

// TestABackupIsBroughtUpToDateByItself: a worker that starts on a database which
// lost what was recorded takes it in again from the stream.
func TestABackupIsBroughtUpToDateByItself(t *testing.T) {
	t.Parallel()
	r := newRig(t, "DATABASE_URL="+emptyMigrated(t), "NATS_URL="+testenv.NATS(t).URL())
	cfg := must(config.Load(r.environ, config.Both))
	var stop func()
	r.app, stop = r.startForAWhile(t, true, true)
	m := r.create(t, hostLocked)
	r.settled(t, m.ID, passcode.OutcomeDemands)
	if err := r.app.WaitQuiet(t.Context()); err != nil {
		t.Fatal(err)
	}
	stop()
	testenv.Exec(t, cfg.DatabaseURL, `TRUNCATE meetings, events, passcodes, verdicts, repairs, hosts CASCADE`)
	r.app = r.start(t, true, true)
	r.settled(t, m.ID, passcode.OutcomeDemands)
	testenv.Until(t, "it is said", func() bool {
		return strings.Contains(r.log.String(), "it was restored from a backup") && strings.Contains(r.log.String(), "were taken in again")
	})
	before := strings.Count(r.log.String(), "restored from a backup")
	r.start(t, false, true) // a worker that starts beside finds nothing missing
	testenv.Until(t, "it is ready", func() bool { return strings.Count(r.log.String(), "the database is ready") >= 3 })
	if n := strings.Count(r.log.String(), "restored from a backup"); n != before {
		t.Errorf("it was said %d times", n)
	}
}

// TestALossInTheMiddleIsFound: rows are missing that older and newer events have.
func TestALossInTheMiddleIsFound(t *testing.T) {
	t.Parallel()
	r := newRig(t, "DATABASE_URL="+emptyMigrated(t), "NATS_URL="+testenv.NATS(t).URL())
	cfg := must(config.Load(r.environ, config.Both))
	var stop func()
	r.app, stop = r.startForAWhile(t, true, true)
	var lost []int64
	for i := range 8 {
		m := r.create(t, hostOff)
		r.settled(t, m.ID, passcode.OutcomeJoinable)
		if i == 3 || i == 4 {
			lost = append(lost, m.ID)
		}
	}
	if err := r.app.WaitQuiet(t.Context()); err != nil {
		t.Fatal(err)
	}
	stop()
	for _, id := range lost {
		testenv.Exec(t, cfg.DatabaseURL, fmt.Sprintf(`DELETE FROM events WHERE meeting_id = %d`, id))
		testenv.Exec(t, cfg.DatabaseURL, fmt.Sprintf(`DELETE FROM meetings WHERE meeting_id = %d`, id))
	}
	r.app = r.start(t, true, true)
	for _, id := range lost {
		r.settled(t, id, passcode.OutcomeJoinable)
	}
	testenv.Until(t, "it is said", func() bool { return strings.Contains(r.log.String(), "were taken in again") })
	if n := testenv.Query(t, cfg.DatabaseURL, `SELECT count(DISTINCT meeting_id)::text FROM events WHERE event = 'meeting.created'`); n != "8" {
		t.Errorf("%s of 8 events are there", n)
	}
}

// TestADeadLetterIsNoLoss: it was acknowledged and is not recorded, which says
// nothing about the database.
func TestADeadLetterIsNoLoss(t *testing.T) {
	t.Parallel()
	r := newRig(t, "DATABASE_URL="+emptyMigrated(t), "NATS_URL="+testenv.NATS(t).URL())
	var stop func()
	r.app, stop = r.startForAWhile(t, true, true)
	r.post(t, `{"event": "meeting.created", "event_ts": 1795435200000, "payload": {"account_id": "`+accountDemo+`", "object": {"id": "none"}}}`)
	testenv.Until(t, "it is a dead letter", func() bool { return strings.Contains(r.log.String(), "moved to the dead-letter stream") })
	if err := r.app.WaitQuiet(t.Context()); err != nil {
		t.Fatal(err)
	}
	stop()
	r.app = r.start(t, true, true)
	testenv.Until(t, "it was looked for", func() bool { return strings.Contains(r.log.String(), "taking in from the stream what is missing") })
	m := r.create(t, hostOff)
	r.settled(t, m.ID, passcode.OutcomeJoinable)
	if strings.Contains(r.log.String(), "restored from a backup") {
		t.Error("a dead letter is called a loss")
	}
}

// A clock that was ahead when alerts were published, and a database from before: those
// to come sort after them all the same.
func TestAlertsGoOnAfterThoseThatWerePublished(t *testing.T) {
	t.Parallel()
	r := newRig(t, "DATABASE_URL="+emptyMigrated(t), "NATS_URL="+testenv.NATS(t).URL())
	if _, err := app.SetUpStreams(t.Context(), must(config.Load(r.environ, config.Admin)), slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	js := r.jetStream(t)
	ahead := fmt.Sprintf("%019d", time.Now().AddDate(1, 0, 0).UnixMicro())
	old := nats.NewMsg("latchkey.alert." + accountDemo + ".meeting.repaired")
	old.Header.Set("ce-sequence", ahead)
	if _, err := js.PublishMsg(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	r.app = r.start(t, true, true)
	r.settled(t, r.create(t, hostOn).ID, passcode.OutcomeJoinable)
	s, err := js.Stream(t.Context(), "LATCHKEY_ALERTS")
	if err != nil {
		t.Fatal(err)
	}
	testenv.Until(t, "the next alert is published", func() bool {
		m, err := s.GetMsg(t.Context(), 2)
		if err == nil && m.Header.Get("ce-sequence") <= ahead {
			t.Fatalf("its sequence is %s, after %s", m.Header.Get("ce-sequence"), ahead)
		}
		return err == nil
	})
}

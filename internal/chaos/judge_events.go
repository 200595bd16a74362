package chaos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	eventsStream = "LATCHKEY_EVENTS"
	alertsStream = "LATCHKEY_ALERTS"
	deadStream   = "LATCHKEY_DEAD"
)

// found is what the judge counted.
type found struct{ recorded, dead, frames, alerts, twice int }

// events holds the table of events against the ledger and the stream.
func (j *judge) events(ctx context.Context, f *found) (p problems) {
	recorded, err := j.strings(ctx, `SELECT event_id FROM events`)
	if err != nil {
		p.note("the events cannot be read: %v", err)
		return p
	}
	twice, err := j.strings(ctx, `SELECT event_id || ' ' || setting || ' of ' || level_id FROM setting_changes GROUP BY event_id, level, level_id, setting, what HAVING count(*) > 1`)
	if err != nil {
		p.note("the changes of settings cannot be read: %v", err)
	}
	for what := range twice {
		p.note("what event %s says is recorded twice", what)
	}
	dead, framed := map[string]bool{}, map[string]bool{}
	if err := j.stream(ctx, deadStream, func(m jetstream.Msg) error { dead[m.Headers().Get("Latchkey-Event-Id")] = true; return nil }); err != nil {
		p.note("%v", err)
		return p // nothing can be said of what is on it
	}
	if err := j.stream(ctx, eventsStream, func(m jetstream.Msg) error {
		if m.Subject() == "zoom.events.%probe" {
			return nil
		}
		f.frames++
		return parts(m, framed)
	}); err != nil {
		p.note("%v", err)
		return p
	}
	f.recorded, f.dead = len(recorded), len(dead)
	accepted, all := j.rig.ledger.list()
	known := map[string]bool{}
	for _, e := range all {
		known[e.plain], known[e.timed] = true, true
	}
	for _, e := range accepted {
		in := recorded[e.plain] || recorded[e.timed]
		switch {
		case recorded[e.plain] && recorded[e.timed]:
			p.note("%s %.12s was recorded twice", e.event, e.plain)
		case in && (dead[e.plain] || dead[e.timed]):
			p.note("%s %.12s was recorded and is a dead letter too", e.event, e.plain)
		case in && !framed[e.plain] && !framed[e.timed]:
			p.note("%s %.12s was recorded and is not on the stream", e.event, e.plain)
		case !in && !dead[e.plain] && !dead[e.timed]:
			p.note("LOST: %s %.12s was accepted (%d times) and is nowhere", e.event, e.plain, e.accepted)
		case !in && e.sound:
			p.note("%s %.12s was accepted and became a dead letter, which nothing in it explains", e.event, e.plain)
		}
	}
	for id := range recorded {
		if !known[id] {
			p.note("event %.12s was recorded and never sent", id)
		}
	}
	for id := range framed {
		if !recorded[id] && !dead[id] {
			p.note("event %.12s is on the stream, neither recorded nor a dead letter", id)
		}
	}
	if extra := len(recorded) - len(framed); extra > 0 {
		p.note("%d events are recorded and not on the stream", extra)
	}
	return p
}

// strings reads a column into a set.
func (j *judge) strings(ctx context.Context, query string) (map[string]bool, error) {
	rows, err := j.db.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	set := map[string]bool{}
	for _, s := range all {
		set[s] = true
	}
	return set, err
}

// parts reads the ids of a frame as docs/nats.md describes it.
func parts(m jetstream.Msg, into map[string]bool) error {
	_, params, err := mime.ParseMediaType(m.Headers().Get("Content-Type"))
	if err != nil {
		return fmt.Errorf("a message of %s is no frame: %w", m.Subject(), err)
	}
	r := multipart.NewReader(bytes.NewReader(m.Data()), params["boundary"])
	for {
		part, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("a frame cannot be read: %w", err)
		}
		into[part.Header.Get("Latchkey-Event-Id")] = true
	}
}

// stream reads all messages of a stream, oldest first. A gap in their numbers is an
// error: nothing is ever deleted from these streams.
func (j *judge) stream(ctx context.Context, name string, each func(jetstream.Msg) error) error {
	s, err := j.find(ctx, name)
	if err != nil {
		return err
	}
	state := s.CachedInfo().State
	if state.Msgs == 0 {
		return nil
	}
	if state.FirstSeq != 1 || state.LastSeq != state.Msgs {
		return fmt.Errorf("stream %s has %d messages, numbered %d to %d: some are gone", name, state.Msgs, state.FirstSeq, state.LastSeq)
	}
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	c, err := s.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{})
	if err != nil {
		return fmt.Errorf("stream %s: %w", name, err)
	}
	it, err := c.Messages()
	if err != nil {
		return fmt.Errorf("stream %s: %w", name, err)
	}
	defer it.Stop()
	for n := uint64(1); ; n++ {
		m, err := it.Next(jetstream.NextContext(ctx))
		if err != nil {
			return fmt.Errorf("stream %s ends after %d of %d messages: %w", name, n-1, state.Msgs, err)
		}
		if err := each(m); err != nil {
			return fmt.Errorf("stream %s: %w", name, err)
		}
		if n == state.Msgs {
			return nil
		}
	}
}

// readWithin bounds how long the cluster may keep an answer from the judge: nodes take
// up to two minutes to notice that a route has gone silent.
const readWithin = 3 * time.Minute

// find asks until the cluster answers.
func (j *judge) find(ctx context.Context, name string) (jetstream.Stream, error) {
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	for {
		ask, done := context.WithTimeout(ctx, 5*time.Second)
		s, err := j.rig.js.Stream(ask, name)
		done()
		if err == nil {
			return s, nil
		}
		if errors.Is(err, jetstream.ErrStreamNotFound) || !wait(ctx, time.Second) {
			return nil, fmt.Errorf("stream %s: %w", name, err)
		}
	}
}

// alerts holds the outbox against the stream of alerts.
func (j *judge) alerts(ctx context.Context, f *found) (p problems) {
	// Workers go on while this is read, and a sweep may find something: what is recorded
	// just now may be on its way.
	rows, err := j.strings(ctx, `SELECT id::text FROM alerts WHERE published_at IS NOT NULL OR created_at < now() - interval '30 seconds'`)
	if err != nil {
		p.note("the alerts cannot be read: %v", err)
		return p
	}
	told := map[string]int{}
	content := map[string]string{}
	if err := j.stream(ctx, alertsStream, func(m jetstream.Msg) error {
		h := m.Headers()
		id := h.Get("ce-id")
		told[id]++
		// created_at, to the microsecond, makes this the row's own.
		what := h.Get("ce-type") + " " + h.Get("ce-subject") + " " + h.Get("ce-time") + " " + string(m.Data())
		if other, ok := content[what]; ok && other != id {
			return fmt.Errorf("one alert has two ids: %s, %s", other, id)
		}
		content[what] = id
		if h.Get(jetstream.MsgIDHeader) != id {
			return fmt.Errorf("alert %s was published as message %s", id, h.Get(jetstream.MsgIDHeader))
		}
		return nil
	}); err != nil {
		p.note("%v", err)
		return p
	}
	f.alerts = len(rows)
	for id := range rows {
		if told[id] == 0 {
			p.note("LOST: alert %s is in the outbox and not on the stream", id)
		}
	}
	for id, n := range told {
		if !rows[id] {
			p.note("alert %s was published and is not in the outbox", id)
		}
		f.twice += n - 1
	}
	return p
}

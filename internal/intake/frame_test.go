package intake

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"latchkey/internal/testenv"
)

// TestFramesAreTheirEventsOneByOne: events that are taken in as frames leave what
// they leave one by one. One in the middle that cannot be used, or that is there
// already, costs only itself.
func TestFramesAreTheirEventsOneByOne(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	rnd := rand.New(rand.NewPCG(seed, 1))
	t.Logf("seed %d", seed)
	const n = 300
	base := time.Now().Add(-time.Minute)
	var events []Event
	unusable := 0
	for i := range n {
		id, at := 81000000000+rnd.Int64N(12), base.Add(time.Duration(rnd.IntN(50_000))*time.Millisecond)
		object := fmt.Sprintf(`{"id": %d, "host_id": "h%d", "topic": "t%d"}`, id, rnd.IntN(3), i)
		name := []string{"meeting.created", "meeting.created", "meeting.updated", "meeting.updated", "meeting.updated", "meeting.deleted", "meeting.started", "meeting.ended", "meeting.recovered"}[rnd.IntN(9)]
		switch word := []string{"", "one", "two", "thr33"}[rnd.IntN(4)]; {
		case rnd.IntN(40) == 0:
			object, unusable = `{"id": "none"}`, unusable+1
		case name == "meeting.created":
			object = fmt.Sprintf(`{"id": %d, "uuid": "u", "host_id": "h%d", "topic": "t%d", "type": 2, "start_time": "2030-01-01T00:00:00Z", "duration": 30, "password": %q, "join_url": "https://zoom.us/j/1", "settings": {"use_pmi": false}}`, id, rnd.IntN(3), i, word)
		case name == "meeting.updated" && rnd.IntN(2) == 0:
			object = fmt.Sprintf(`{"id": %d, "password": %q}`, id, word)
		}
		body := fmt.Sprintf(`{"event": %q, "event_ts": %d, "payload": {"account_id": "acc", "operation": "all", "operator": "op%d@x", "object": %s}}`, name, at.UnixMilli(), rnd.IntN(3), object)
		e := Event{ID: fmt.Sprint(i), Body: []byte(body), ReceivedAt: at}
		events = append(events, e)
		if rnd.IntN(20) == 0 {
			events = append(events, e) // again
		}
	}
	dump := func(most int) (rows string, dead int) {
		in, url := newTenants(t, "acc")
		in.o.Dead = func(context.Context, string, Event) error { dead++; return nil }
		handle := in.Handle(t.Context())
		for rest := events; len(rest) > 0; {
			size := min(1+rnd.IntN(most), len(rest))
			if err := handle(t.Context(), Frame{Events: rest[:size]}); err != nil {
				t.Fatal(err)
			}
			rest = rest[size:]
		}
		return testenv.Query(t, url, `SELECT concat_ws(E'\n',
			(SELECT string_agg(concat_ws('|', meeting_id, host_id, topic, type, status, start_time, passcode, passcode_readable, waiting_room, must_read, observed_at, event_at, said_gone, seen_without_at, set_by, set_at, last_used_at, due_at IS NULL, due_why), E'\n' ORDER BY meeting_id) FROM meetings),
			(SELECT string_agg(concat_ws('|', meeting_id, passcode, state, source), E'\n' ORDER BY meeting_id) FROM passcodes),
			(SELECT string_agg(concat_ws('|', meeting_id, changed_by, operator), E'\n' ORDER BY meeting_id, id) FROM passcode_changes),
			(SELECT string_agg(host_id, ' ' ORDER BY host_id) FROM hosts), (SELECT count(*) FROM events), (SELECT count(*) FROM alerts))`), dead
	}
	one, deadOne := dump(1)
	many, deadMany := dump(60)
	if one != many {
		t.Errorf("one by one:\n%s\nin frames:\n%s", one, many)
	}
	if deadOne < unusable || deadMany != deadOne || !strings.Contains(one, "|on|") {
		t.Errorf("%d and %d dead letters, %d unusable events", deadOne, deadMany, unusable)
	}
}

// TestAFrameThatMustWaitInPart: what is dealt with is not done again, and what must
// wait is tried until it is.
func TestAFrameThatMustWaitInPart(t *testing.T) {
	t.Parallel()
	in, url := newTenants(t, "acc")
	tries := 0
	in.o.Dead = func(context.Context, string, Event) error {
		if tries++; tries < 3 {
			return errors.New("the bus is away")
		}
		return nil
	}
	var events []Event
	for i := range 5 {
		body := created(fmt.Sprint(time.Now().UnixMilli()), strings.Replace(fullObject, "85746065432", fmt.Sprint(85746065432+i), 1))
		if i == 2 {
			body = `{"event": "meeting.created", "payload": {"object": {}}}`
		}
		events = append(events, Event{ID: fmt.Sprint(i), Body: []byte(body), ReceivedAt: time.Now()})
	}
	counted := map[string]int{}
	in.o.Counted = func(result string) { counted[result]++ }
	if err := in.Handle(t.Context())(t.Context(), Frame{Events: events}); err != nil {
		t.Fatal(err)
	}
	if tries != 3 || counted["recorded"] != 4 || counted["dead"] != 1 || counted["duplicate"] != 0 {
		t.Errorf("%d tries of the dead letter, counted %v", tries, counted)
	}
	if n := testenv.Query(t, url, `SELECT count(*)::text FROM meetings`); n != "4" {
		t.Errorf("%s meetings, want 4", n)
	}
}

package store

import (
	"errors"
	"slices"
	"testing"
	"time"
)

// Each listing can be read, has an account to tell rows apart by, and no passcode.
func TestListings(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	for i, account := range []string{"acc", "acc", "elsewhere"} {
		exec(t, s, `INSERT INTO meetings (meeting_id, account_id, host_id, start_time, outcome, remedy, topic) VALUES ($1::int, $2, 'host', now() + $1::int * interval '1 hour', 'demands_passcode', 'keep', 'x')`, i+1, account)
		exec(t, s, `INSERT INTO passcodes (account_id, meeting_id, passcode, source, seen_at) VALUES ($2, $1, 's3cret', 'zoom', now())`, i+1, account)
	}
	for _, name := range Listings() {
		l, err := s.List(t.Context(), name, "", 100)
		if err != nil || !slices.Contains(l.Columns, "account_id") || slices.Contains(l.Columns, "passcode") {
			t.Errorf("%s: %v %v", name, l.Columns, err)
		}
	}
	l, err := s.List(t.Context(), "demanding", "acc", 100)
	if err != nil || len(l.Rows) != 2 {
		t.Fatalf("%+v %v", l, err)
	}
	if at, is := l.Rows[0][0].(time.Time); !is || at.Location() != time.UTC || l.Rows[0][1] != int64(1) {
		t.Errorf("%v; want the one that starts soonest, in UTC", l.Rows[0])
	}
	if l, err := s.List(t.Context(), "demanding", "", 1); err != nil || len(l.Rows) != 1 {
		t.Errorf("%d rows, %v", len(l.Rows), err)
	}
	if _, err := s.List(t.Context(), "passcodes", "", 1); !errors.Is(err, ErrNotFound) {
		t.Errorf("a listing that there is not: %v", err)
	}
}

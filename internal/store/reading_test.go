package store

import (
	"testing"
	"time"
)

func TestOneReadsAtATime(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	begin := func(key, owner string) bool {
		t.Helper()
		mine, err := s.BeginReading(t.Context(), key, owner, time.Minute)
		noError(t, err)
		return mine
	}
	if !begin("host", "a") || begin("host", "b") || begin("host", "a") || !begin("other", "b") {
		t.Error("not one of each at a time")
	}
	noError(t, s.EndReading(t.Context(), "host", "b")) // not theirs
	if begin("host", "b") {
		t.Error("somebody else ended it")
	}
	noError(t, s.EndReading(t.Context(), "host", "a"))
	if !begin("host", "b") {
		t.Error("it is not free")
	}
	exec(t, s, `UPDATE readings SET until = now() - interval '1 second'`) // whose worker died
	if !begin("host", "c") {
		t.Error("it is waited for for ever")
	}
}

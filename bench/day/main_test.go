// Package day lets latchkey live through a day of a large account in virtual time: its
// own code, a real Postgres whose clock is the test's, and the simulated Zoom in process,
// under testing/synctest. Nobody waits for anything but the database, so that a day takes
// minutes, and what it cost in calls is exact.
//
// `make test` runs a small part of it; `make bench-day` all of it, and ten times as much.
package day

import (
	"flag"
	"os"
	"testing"

	"latchkey/internal/testenv"
)

// size is how many times the account of the issue: 1 is 10 000 hosts, 100 000 upcoming
// meetings, 20 000 creates, 500 changes of settings and 20 of locks.
var size = flag.Float64("size", 0.005, "times 10 000 hosts and their day")

// hours is how much of the day is lived through, with as much of its load.
var hours = flag.Int("hours", 4, "of the day")

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(testenv.Main(m))
}

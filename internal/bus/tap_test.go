package bus

import (
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"latchkey/internal/testenv"
)

// tap sees the requests to JetStream's API that write, of every client of a
// server.
type tap struct {
	t   testing.TB
	c   chan *nats.Msg
	saw []string
}

const tapMark = "tap.mark"

func newTap(t testing.TB, url string) *tap {
	t.Helper()
	nc, err := nats.Connect(url)
	noError(t, err)
	t.Cleanup(nc.Close)
	p := &tap{t: t, c: make(chan *nats.Msg, 10_000)}
	for _, subject := range []string{"$JS.API.STREAM.>", "$JS.API.CONSUMER.>", tapMark} {
		_, err := nc.ChanSubscribe(subject, p.c)
		noError(t, err)
	}
	noError(t, nc.Flush())
	return p
}

// writes lists what was written by a bus so far: "STREAM.CREATE.LATCHKEY_EVENTS".
func (p *tap) writes(b *Bus) []string {
	p.t.Helper()
	// After the mark of the same connection everything it sent before has come.
	noError(p.t, b.nc.Publish(tapMark, nil))
	for {
		m := next(p.t, p.c, "the mark")
		call := strings.TrimPrefix(m.Subject, "$JS.API.")
		switch {
		case m.Subject == tapMark:
			return slices.Clone(p.saw)
		case strings.HasPrefix(call, "STREAM.CREATE."), strings.HasPrefix(call, "STREAM.UPDATE."), strings.HasPrefix(call, "CONSUMER.CREATE."):
			p.saw = append(p.saw, call)
		}
	}
}

func (p *tap) count(b *Bus, call string) int {
	p.t.Helper()
	n := 0
	for _, w := range p.writes(b) {
		if strings.HasPrefix(w, call) {
			n++
		}
	}
	return n
}

// logged is a Bus that logs into a buffer.
func logged(t testing.TB, url string, s Streams) (*Bus, *testenv.Buffer) {
	t.Helper()
	log := &testenv.Buffer{}
	b, err := Connect(Options{URL: url, Streams: s, Logger: slog.New(slog.NewTextHandler(log, nil))})
	noError(t, err)
	t.Cleanup(b.Close)
	return b, log
}

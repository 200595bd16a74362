package zoomsim

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"sync"
)

// source hands out ids and passcodes. It is seeded so that a run can be
// repeated, and locked because deliveries and requests draw from it at once.
type source struct {
	mu  sync.Mutex
	rng *rand.Rand
}

func newSource(seed uint64) *source {
	return &source{rng: rand.New(rand.NewPCG(seed, seed^0x9e3779b97f4a7c15))}
}

func (g *source) intn(n int) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.rng.IntN(n)
}

// chance is true with probability p; p <= 0 draws nothing, so that a knob that
// is off does not shift the sequence of the others.
func (g *source) chance(p float64) bool {
	if p <= 0 {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.rng.Float64() < p
}

func (g *source) bytes(n int) []byte {
	g.mu.Lock()
	defer g.mu.Unlock()
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(g.rng.UintN(256))
	}
	return b
}

func (g *source) hex(n int) string { return hex.EncodeToString(g.bytes(n)) }

// uuid makes a meeting UUID in Zoom's shape: 16 bytes in standard base64, so
// that some hold "/" and "+", as Zoom's do (Z-MEET-3).
func (g *source) uuid() string { return base64.StdEncoding.EncodeToString(g.bytes(16)) }

// requestID looks like Zoom's x-zm-request-id.
func (g *source) requestID() string {
	b := g.bytes(16)
	return fmt.Sprintf("%x_%x_%x_%x_%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// meetingID makes an 11-digit id: it does not fit int32 (Z-MEET-2).
func (g *source) meetingID() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return 80_000_000_000 + g.rng.Int64N(10_000_000_000)
}

const (
	genDigits  = "23456789"
	genLower   = "abcdefghjkmnpqrstuvwxyz"
	genUpper   = "ABCDEFGHJKLMNPQRSTUVWXYZ"
	genSpecial = "@*"
)

// passcode generates one that meets the requirement, as Zoom's own generated
// ones do. A requirement nobody can meet (a run length of 1, more than ten
// characters) yields the last try: Zoom would not offer such a setting.
func (g *source) passcode(r Requirement) string {
	n := min(max(r.Length, 6), maxPasscode)
	var p string
	for range 64 {
		p = g.draw(r, n)
		if r.check(p) == "" {
			return p
		}
	}
	return p
}

func (g *source) draw(r Requirement, n int) string {
	b := make([]byte, 0, maxPasscode)
	pick := func(alphabet string) { b = append(b, alphabet[g.intn(len(alphabet))]) }
	if r.OnlyNumeric {
		for len(b) < n {
			pick(genDigits)
		}
		return string(b)
	}
	pick(genLower)
	pick(genUpper)
	pick(genDigits)
	if r.HaveSpecial {
		pick(genSpecial)
	}
	for len(b) < n {
		pick(genDigits + genLower + genUpper)
	}
	for i := len(b) - 1; i > 0; i-- {
		j := g.intn(i + 1)
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}

// opaque derives the hash-like values that hide a passcode: the pwd= of a
// join link and encrypted_password. It cannot be turned back.
func opaque(kind, passcode string, id int64) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "zoomsim/%s/%d/%s", kind, id, passcode))
	return base64.RawURLEncoding.EncodeToString(sum[:24]) + ".1"
}

// numeric derives a phone (PSTN) passcode: Zoom makes alphanumeric meetings a
// six-digit one of their own.
func numeric(passcode string, id int64) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "zoomsim/pstn/%d/%s", id, passcode))
	n := int(sum[0])<<16 | int(sum[1])<<8 | int(sum[2])
	return fmt.Sprintf("%06d", n%1_000_000)
}

// derivedID makes a stable 22-character id in Zoom's shape from a name, so
// that a scenario need not spell ids out.
func derivedID(kind, name string) string {
	sum := sha256.Sum256([]byte("zoomsim/" + kind + "/" + name))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

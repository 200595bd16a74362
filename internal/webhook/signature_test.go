package webhook

import (
	"fmt"
	"strings"
	"testing"

	private "latchkey/internal/secret"
)

// A signature made with openssl, with secret "first", over
// v0:1772366400:{"event":"x"}.
const (
	vectorTime = "1772366400"
	vectorBody = `{"event":"x"}`
	vector     = "v0=84c5af278ced8f2e873a1a6b4a8c32bdf52dbbaf1c8da88bace7103c0b4165d1"
)

func TestVerifyKnownVector(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		secrets []private.String
		time    string
		body    string
		want    int
	}{
		{"alone", []private.String{"first"}, vectorTime, vectorBody, 0},
		{"last of three", []private.String{"third", "second", "first"}, vectorTime, vectorBody, 2},
		{"not among them", []private.String{"third", "second"}, vectorTime, vectorBody, -1},
		{"another body", []private.String{"first"}, vectorTime, vectorBody + " ", -1},
		{"colon moved", []private.String{"first"}, vectorTime + `:{"event"`, vectorBody[len(`{"event":`):], -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := newVerifier(ours(c.secrets...)).verify(c.time, vector, []byte(c.body)); got != c.want {
				t.Errorf("verify = %d, want %d", got, c.want)
			}
		})
	}
}

// TestVerifyAllocatesNothing is not parallel: it counts the whole process's
// allocations.
func TestVerifyAllocatesNothing(t *testing.T) {
	v := newVerifier(ours("second", "first"))
	body := []byte(vectorBody)
	if n := testing.AllocsPerRun(100, func() {
		if v.verify(vectorTime, vector, body) != 1 {
			t.Fatal("the signature does not hold")
		}
	}); n != 0 {
		t.Errorf("a check allocates %v times", n)
	}
}

func BenchmarkVerify(b *testing.B) {
	for _, size := range []int{600, 8 << 10, MaxBody} {
		for _, secrets := range [][]private.String{{"first"}, {"first", "second"}} {
			b.Run(fmt.Sprintf("body=%d/secrets=%d", size, len(secrets)), func(b *testing.B) {
				v := newVerifier(ours(secrets...))
				body := []byte(strings.Repeat("x", size))
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					v.verify(vectorTime, vector, body)
				}
			})
		}
	}
}

// ours are secrets of account "acc".
func ours(values ...private.String) []Secret {
	var all []Secret
	for _, v := range values {
		all = append(all, Secret{Value: v, AccountID: "acc"})
	}
	return all
}

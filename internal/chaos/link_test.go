package chaos

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

// echo answers each line with itself.
func echo(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.Copy(c, c)
			}()
		}
	}()
	return ln.Addr().String()
}

func dial(t *testing.T, l *link) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", l.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// say sends a line and returns what comes back within a moment.
func say(c net.Conn) error {
	_ = c.SetDeadline(time.Now().Add(500 * time.Millisecond))
	if _, err := io.WriteString(c, strings.Repeat("x", 9000)+"\n"); err != nil {
		return err
	}
	_, err := bufio.NewReader(c).ReadString('\n')
	return err
}

func TestLinkHarms(t *testing.T) {
	t.Parallel()
	l, err := newLink("test", echo(t), "127.0.0.1:0", 7)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.close)
	set := func(h harm) {
		t.Helper()
		if err := l.set(h); err != nil {
			t.Fatal(err)
		}
	}
	old := dial(t, l)
	if err := say(old); err != nil {
		t.Errorf("unharmed: %v", err)
	}

	set(silent)
	young := dial(t, l)
	for _, c := range []net.Conn{old, young} {
		if err := say(c); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("silent: %v, want no answer", err)
		}
	}
	set(unharmed)
	if err := say(young); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a connection that was silent: %v, want no answer for ever", err)
	}
	if err := say(dial(t, l)); err != nil {
		t.Errorf("healed: %v", err)
	}

	set(torn)
	if err := say(dial(t, l)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("torn: %v, want a reset", err)
	}
	set(slow)
	if err := say(dial(t, l)); err != nil {
		t.Errorf("slow: %v", err)
	}

	open := dial(t, l)
	set(cut)
	if err := say(open); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("cut: %v, want a reset", err)
	}
	if c, err := net.Dial("tcp", l.addr); err == nil {
		_ = c.Close()
		t.Error("cut: a connection was accepted")
	}
}

// TestLedgerKeepsWhatTheSenderNeverHeard: an ingest's 204 counts whether or not it
// reached Zoom.
func TestLedgerKeepsWhatTheSenderNeverHeard(t *testing.T) {
	t.Parallel()
	answer := make(chan struct{})
	ingest := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		<-answer
		w.WriteHeader(http.StatusNoContent)
	}))
	defer ingest.Close()
	l := newLedger()
	b, err := newBalancer(l, strings.TrimPrefix(ingest.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	impatient := http.Client{Timeout: 100 * time.Millisecond}
	if resp, err := impatient.Post(b.url, "application/json", strings.NewReader(`{"event":"x","payload":{}}`)); err == nil {
		resp.Body.Close()
		t.Fatal("it was answered")
	}
	close(answer)
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if accepted, all := l.list(); len(accepted) == 1 && len(all) == 1 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the answer is not in the ledger")
		}
	}
}

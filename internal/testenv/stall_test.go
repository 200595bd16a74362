package testenv

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// echo is a server that sends back whatever it gets, after a greeting.
func echo(t *testing.T) string {
	t.Helper()
	return serveTCP(t, func(c net.Conn) {
		_, _ = io.WriteString(c, "!")
		_, _ = io.Copy(c, c)
	})
}

func serveTCP(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				handle(c)
			}()
		}
	}()
	return l.Addr().String()
}

func dial(t *testing.T, p *Proxy) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func say(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

func hear(t *testing.T, c net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Fatalf("got %q (%v), want %q", got, err, want)
	}
}

// silent fails when a byte comes, or the connection's end.
func silent(t *testing.T, c net.Conn) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, err := c.Read(make([]byte, 1)); n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%d bytes came, %v", n, err)
	}
}

func TestStallAndResume(t *testing.T) {
	t.Parallel()
	p := NewProxy(t, echo(t))
	old := dial(t, p)
	hear(t, old, "!")
	say(t, old, "a")
	hear(t, old, "a")

	p.Stall()
	p.Stall()
	say(t, old, "b")
	fresh := dial(t, p) // accepted all the same
	say(t, fresh, "c")
	silent(t, old)
	silent(t, fresh)
	p.Resume()
	p.Resume()
	hear(t, old, "b")
	hear(t, fresh, "!c")
	say(t, old, "d")
	hear(t, old, "d")
}

// What an end sent before it closed arrives after Resume, and so does the close.
func TestAnEndThatClosesWhileStalled(t *testing.T) {
	t.Parallel()
	closing := make(chan struct{})
	p := NewProxy(t, serveTCP(t, func(c net.Conn) {
		_, _ = io.WriteString(c, "!")
		<-closing
		_, _ = io.WriteString(c, "last")
	}))
	c := dial(t, p)
	hear(t, c, "!")
	p.Stall()
	close(closing)
	silent(t, c)
	p.Resume()
	hear(t, c, "last")
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("%v, want the end", err)
	}
}

func TestCutEndsAStall(t *testing.T) {
	t.Parallel()
	p := NewProxy(t, echo(t))
	c := dial(t, p)
	hear(t, c, "!")
	p.Stall()
	say(t, c, "a")
	silent(t, c)
	p.Cut()
	_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
	if n, err := c.Read(make([]byte, 1)); n > 0 || err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%d bytes, %v, want the connection gone", n, err)
	}
	p.Restore()
	again := dial(t, p)
	hear(t, again, "!")
}

// An end that does not read keeps a write waiting; Stall does not wait for it.
func TestStallWhileAWriteIsBlocked(t *testing.T) {
	t.Parallel()
	reading := make(chan struct{})
	const total = 32 << 20 // more than the buffers in between hold
	got := make(chan int64, 1)
	p := NewProxy(t, serveTCP(t, func(c net.Conn) {
		<-reading
		n, _ := io.Copy(io.Discard, io.LimitReader(c, total))
		got <- n
	}))
	c := dial(t, p)
	sent := make(chan error, 1)
	blocked := make(chan struct{})
	go func() {
		_ = c.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
		n, err := c.Write(make([]byte, total))
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%d bytes went through to nobody: %v", n, err)
		}
		close(blocked)
		_ = c.SetWriteDeadline(time.Time{})
		_, err = c.Write(make([]byte, total-n))
		sent <- err
	}()
	<-blocked
	p.Stall()
	close(reading)
	p.Resume()
	if err := <-sent; err != nil {
		t.Error(err)
	}
	if n := <-got; n != total {
		t.Errorf("%d bytes arrived, want %d", n, total)
	}
}

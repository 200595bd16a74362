package webhook_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/internal/webhook"
)

// network is a network in memory: in a synctest bubble its time is the bubble's,
// so that however slow the machine is, what waits for what comes out the same.
type network struct {
	arrives chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

func newNetwork() *network {
	return &network{arrives: make(chan net.Conn), closed: make(chan struct{})}
}

func (n *network) Accept() (net.Conn, error) {
	select {
	case c := <-n.arrives:
		return c, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

func (n *network) Close() error {
	n.once.Do(func() { close(n.closed) })
	return nil
}

func (n *network) Addr() net.Addr { return &net.TCPAddr{} }

func (n *network) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case n.arrives <- theirs:
		return ours, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

// serve runs the server on a network until the test ends, which is in a bubble.
func (n *network) serve(t *testing.T, s *http.Server, l net.Listener) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l)
	}()
	t.Cleanup(func() {
		_ = s.Close()
		<-done
		time.Sleep(time.Minute) // what still waits for something has an end, too
	})
}

// client is Zoom's side: one connection for each delivery.
func (n *network) client() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: n.dial, DisableKeepAlives: true}}
}

// deliver sends a valid delivery and returns the status, 0 where there was none.
func deliver(c *http.Client, body string) int {
	req := request(body, nil)
	req.RequestURI, req.URL.Scheme, req.URL.Host = "", "http", "latchkey"
	resp, err := c.Do(req)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return resp.StatusCode
}

// numbered is a valid body of its own.
func numbered(i int) string {
	return strings.Replace(created, "85746065432", fmt.Sprint(85746000000+i), 1)
}

// begin opens a connection and sends the head of a request and the beginning of
// its body. What comes back goes to answer, where that is not nil.
func (n *network) begin(length int, body string, answer chan<- string) (net.Conn, error) {
	conn, err := n.dial(context.Background(), "", "")
	if err != nil {
		return nil, err
	}
	go func() {
		some := make([]byte, 1<<10)
		for {
			n, err := conn.Read(some)
			if err != nil {
				return
			}
			if answer != nil {
				answer <- string(some[:n])
			}
		}
	}()
	_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nx-zm-request-timestamp: %s\r\nx-zm-signature: %s\r\n\r\n%s",
		webhook.Path, length, now, sign(secret, now, created), body)
	return conn, err
}

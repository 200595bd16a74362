package app

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// Health asks the process on LATCHKEY_ADMIN_LISTEN whether it is ready and
// returns an exit status: the health check of an image that holds no other tool.
func Health(stderr io.Writer) int {
	addr := os.Getenv("LATCHKEY_ADMIN_LISTEN")
	if addr == "" {
		addr = "127.0.0.1:8081"
	}
	addr, err := ownAddress(addr)
	if err != nil {
		fmt.Fprintln(stderr, "LATCHKEY_ADMIN_LISTEN:", err)
		return 2
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		fmt.Fprintln(stderr, "LATCHKEY_ADMIN_LISTEN is not host:port")
		return 2
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 2
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
		fmt.Fprintf(stderr, "not ready: %s\n", body)
		return 1
	}
	return 0
}

package embedded

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// FreePort returns a loopback TCP port that was free a moment ago. It picks
// below the range that the kernel hands out by itself (from 32768 on Linux,
// 49152 on macOS), so that a server can come back on it after a pause.
func FreePort() (int, error) {
	var last error
	for range 100 {
		port := 20000 + rand.IntN(12000)
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			last = err
			continue
		}
		return port, l.Close()
	}
	return 0, fmt.Errorf("embedded: no free port: %w", last)
}

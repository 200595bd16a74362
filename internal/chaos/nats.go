package chaos

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const nodes = 3

// natsNode is one server of the cluster.
type natsNode struct {
	*process
	addr  string // of clients, past every link
	route *link  // in front of its cluster port
}

// newNode writes a node's configuration. Routes lead through the links, and so do the
// addresses that nodes tell each other; those of clients they tell nobody, or clients
// would go around theirs.
func newNode(p *process, i int, client, cluster, monitor string, routes []*link) (*natsNode, error) {
	var others []string
	for j, l := range routes {
		if j != i {
			others = append(others, fmt.Sprintf("%q", "nats://"+l.addr))
		}
	}
	conf := fmt.Sprintf(`server_name: n%d
listen: %q
http: %q
max_payload: 2MB
jetstream { store_dir: %q, sync_interval: always, max_mem: 64MB, max_file: 2GB }
cluster { name: chaos, listen: %q, advertise: %q, no_advertise: true, routes: [%s], pool_size: 1 }
`, i, client, monitor, filepath.Join(p.dir, p.name), cluster, routes[i].addr, strings.Join(others, ", "))
	file := filepath.Join(p.dir, p.name+".conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		return nil, fmt.Errorf("chaos: %w", err)
	}
	p.args = []string{"-c", file}
	return &natsNode{process: p, addr: client, route: routes[i]}, nil
}

// observer is the driver's own connection to the cluster, past every link.
func observer(addrs []string) (*nats.Conn, jetstream.JetStream, error) {
	urls := make([]string, len(addrs))
	for i, a := range addrs {
		urls[i] = "nats://" + a
	}
	nc, err := nats.Connect(strings.Join(urls, ","), nats.Name("chaos"), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1),
		nats.ReconnectWait(200*time.Millisecond), nats.ReconnectBufSize(-1))
	if err != nil {
		return nil, nil, fmt.Errorf("chaos: %w", err)
	}
	js, err := jetstream.New(nc)
	if err != nil {
		nc.Close()
		return nil, nil, fmt.Errorf("chaos: %w", err)
	}
	return nc, js, nil
}

// clusterReady waits until JetStream has a leader and answers.
func clusterReady(ctx context.Context, js jetstream.JetStream) error {
	for {
		ask, cancel := context.WithTimeout(ctx, 2*time.Second)
		_, err := js.AccountInfo(ask)
		cancel()
		if err == nil {
			return nil
		}
		if !wait(ctx, 100*time.Millisecond) {
			return fmt.Errorf("chaos: the NATS cluster is not ready: %w", err)
		}
	}
}

// wait sleeps; false when ctx ended first.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

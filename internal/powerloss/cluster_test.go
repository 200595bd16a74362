//go:build linux

package powerloss_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"latchkey/internal/powerloss"
)

// node makes this test binary a nats-server, whose configuration is in nodeConfig.
const (
	node       = "nats-server"
	nodeConfig = "TEST_POWERLOSS_CONFIG"
)

// natsServer is nats-server's own main, with this configuration.
func natsServer() error {
	o, err := server.ConfigureOptions(flag.NewFlagSet("nats-server", flag.ExitOnError), []string{"-c", os.Getenv(nodeConfig)}, func() {}, func() {}, func() {})
	if err != nil {
		return err
	}
	s, err := server.NewServer(o)
	if err != nil {
		return err
	}
	s.ConfigureLogger()
	if err := server.Run(s); err != nil {
		return err
	}
	s.WaitForShutdown()
	return nil
}

// cluster is three servers, each recorded.
type cluster struct {
	t       *testing.T
	nodes   []*powerloss.Recorder
	folders []string
	js      jetstream.JetStream
	nc      *nats.Conn
}

// startCluster starts a cluster on three folders.
func startCluster(t *testing.T, interval string, folders []string) *cluster {
	t.Helper()
	c := &cluster{t: t, folders: folders}
	var clients, routes, urls, confs []string
	for range 3 {
		clients, routes = append(clients, address(t)), append(routes, address(t))
	}
	for i, r := range routes {
		urls, confs = append(urls, "nats://"+clients[i]), append(confs, fmt.Sprintf("%q", "nats://"+r))
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		conf := filepath.Join(t.TempDir(), "nats.conf")
		if err := os.WriteFile(conf, fmt.Appendf(nil, `server_name: n%d
listen: %q
jetstream { store_dir: %q, sync_interval: %s, max_mem: 16MB, max_file: 1GB }
cluster { name: power, listen: %q, routes: [%s] }
`, i, clients[i], folders[i], interval, routes[i], strings.Join(confs, ", ")), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(exe)
		cmd.Env = []string{role + "=" + node, nodeConfig + "=" + conf}
		rec, err := powerloss.Start(cmd, folders[i], powerloss.NamesWithFile)
		if err != nil {
			t.Fatal(err)
		}
		c.nodes = append(c.nodes, rec)
		t.Cleanup(func() {
			if err := rec.Stop(); err != nil {
				t.Error(err)
			}
		})
	}
	if c.nc, err = nats.Connect(strings.Join(urls, ","), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.nc.Close)
	if c.js, err = jetstream.New(c.nc); err != nil {
		t.Fatal(err)
	}
	return c
}

// within tries until it works, for half a minute: a cluster has to elect first.
func (c *cluster) within(what string, try func(context.Context) error) {
	c.t.Helper()
	var err error
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(c.t.Context(), 2*time.Second)
		err = try(ctx)
		cancel()
		if err == nil {
			return
		}
	}
	c.t.Fatalf("%s: %v", what, err)
}

func newFolders(t *testing.T) []string {
	t.Helper()
	return []string{t.TempDir(), t.TempDir(), t.TempDir()}
}

// lostInCluster publishes to a stream of three replicas, cuts the power of all three
// servers at once after the last ack, and counts what a cluster on their disks has not.
func lostInCluster(t *testing.T, interval string) (published, lost int) {
	t.Helper()
	c := startCluster(t, interval, newFolders(t))
	c.within("make the stream", func(ctx context.Context) error {
		_, err := c.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}, Replicas: 3, Storage: jetstream.FileStorage})
		return err
	})
	published = 60
	c.within("the first message", func(ctx context.Context) error {
		_, err := c.js.Publish(ctx, "s.0", nil, jetstream.WithMsgID("0"))
		return err
	})
	var all sync.WaitGroup
	for n := 1; n < published; n++ {
		all.Go(func() {
			if _, err := c.js.Publish(t.Context(), fmt.Sprint("s.", n), nil); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	images := newFolders(t)
	for i, n := range c.nodes {
		if err := n.Snapshot(images[i]); err != nil {
			t.Fatal(err)
		}
	}
	c.nc.Close()
	for _, n := range c.nodes {
		if err := n.Stop(); err != nil {
			t.Error(err)
		}
	}
	after := startCluster(t, interval, images)
	there := map[string]bool{}
	missing := false
	after.within("ask for the stream", func(ctx context.Context) error {
		s, err := after.js.Stream(ctx, "S")
		if err == jetstream.ErrStreamNotFound {
			missing = true
			return nil
		}
		if err != nil {
			return err
		}
		state := s.CachedInfo().State
		for seq := state.FirstSeq; seq != 0 && seq <= state.LastSeq; seq++ {
			m, err := s.GetMsg(ctx, seq)
			if err != nil {
				return err
			}
			there[m.Subject] = true
		}
		return nil
	})
	t.Logf("sync_interval %s: %d messages, %d there; stream gone: %t", interval, published, len(there), missing)
	for n := range published {
		if !there[fmt.Sprint("s.", n)] {
			lost++
		}
	}
	return published, lost
}

// TestClusterSurvivesAPowerCutOfAllNodes: what docs/nats.md asks of a cluster.
func TestClusterSurvivesAPowerCutOfAllNodes(t *testing.T) {
	t.Parallel()
	if published, lost := lostInCluster(t, "always"); lost > 0 {
		t.Errorf("%d of %d acknowledged messages are lost", lost, published)
	}
}

// TestClusterWithoutSyncLosesAll shows that the test above can fail.
func TestClusterWithoutSyncLosesAll(t *testing.T) {
	t.Parallel()
	if published, lost := lostInCluster(t, "2m"); lost < published {
		t.Errorf("%d of %d messages survived without a sync", published-lost, published)
	}
}

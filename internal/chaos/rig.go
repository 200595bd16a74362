package chaos

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"latchkey/internal/embedded"
	"latchkey/internal/zoomsim"
)

const (
	ingests = 2
	workers = 3
)

// service is one ingest or worker with the links that only it uses.
type service struct {
	*process
	admin    string
	listen   string  // of an ingest
	nats     []*link // to each node
	hook     *link   // from the balancer, of an ingest
	database *link   // of a worker
	zoom     *link   // of a worker
}

func (s *service) links() []*link {
	all := append([]*link{}, s.nats...)
	for _, l := range []*link{s.hook, s.database, s.zoom} {
		if l != nil {
			all = append(all, l)
		}
	}
	return all
}

// rig is everything that runs.
type rig struct {
	dir      string
	seed     uint64
	starter  *starter
	sim      *zoomsim.Server
	ledger   *ledger
	balancer *balancer
	db       *database
	nodes    []*natsNode
	ingests  []*service
	workers  []*service
	nc       *nats.Conn // the driver's own
	js       jetstream.JetStream
	taken    map[int]bool // ports
}

// newRig starts everything and returns when both kinds of service are ready.
func newRig(ctx context.Context, seed uint64, bin binaries, dir string) (_ *rig, err error) {
	r := &rig{dir: dir, seed: seed, starter: newStarter(), ledger: newLedger(), taken: map[int]bool{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
		}
	}()
	if r.sim, err = zoomsim.Start(ctx, zoomsim.Options{Seed: seed, Scenario: scenario(), RetryDelays: retries}); err != nil {
		return nil, err
	}
	pgDir, err := os.MkdirTemp(embedded.ScratchDir(), "latchkey-chaos-pg-")
	if err != nil {
		return nil, fmt.Errorf("chaos: %w", err)
	}
	r.db = &database{dir: pgDir}
	if r.db.Postgres, err = embedded.StartPostgres(ctx, embedded.PostgresOptions{Dir: pgDir, Ephemeral: true, Keep: true, Logger: slog.New(slog.DiscardHandler)}); err != nil {
		return nil, err
	}
	if err := r.startCluster(ctx, bin); err != nil {
		return nil, err
	}
	if err := r.startServices(bin); err != nil {
		return nil, err
	}
	var hooks []string
	for _, s := range r.ingests {
		hooks = append(hooks, s.hook.addr)
	}
	if r.balancer, err = newBalancer(r.ledger, hooks...); err != nil {
		return nil, err
	}
	r.sim.SetWebhookURL(r.balancer.url)
	if err := r.ready(ctx); err != nil {
		return nil, err
	}
	return r, r.shortenAckWait(ctx)
}

// shortenAckWait has JetStream deliver again after 5 seconds, not 30, what a killed
// worker had in its hands, or every run would end with half a minute of waiting. It is
// what an operator may set by hand (docs/nats.md).
func (r *rig) shortenAckWait(ctx context.Context) error {
	c, err := r.js.Consumer(ctx, eventsStream, "frames")
	if err == nil {
		cfg := c.CachedInfo().Config
		cfg.AckWait = 5 * time.Second
		_, err = r.js.UpdateConsumer(ctx, eventsStream, cfg)
	}
	if err != nil {
		return fmt.Errorf("chaos: the consumer's ack wait: %w", err)
	}
	return nil
}

func (r *rig) startCluster(ctx context.Context, bin binaries) (err error) {
	var routes []*link
	var cluster []string
	for i := range nodes {
		addr := r.port()
		l, err := r.link("route to n"+strconv.Itoa(i), addr)
		if err != nil {
			return err
		}
		routes, cluster = append(routes, l), append(cluster, addr)
	}
	var addrs []string
	for i := range nodes {
		n, err := newNode(r.process("nats-"+strconv.Itoa(i), bin.nats), i, r.port(), cluster[i], r.port(), routes)
		if err != nil {
			return err
		}
		r.nodes = append(r.nodes, n)
		addrs = append(addrs, n.addr)
		if err := n.start(); err != nil {
			return err
		}
	}
	if r.nc, r.js, err = observer(addrs); err != nil {
		return err
	}
	return clusterReady(ctx, r.js)
}

func (r *rig) startServices(bin binaries) error {
	c := r.sim.Credentials("")
	for i := range ingests + workers {
		isIngest := i < ingests
		name, path := "ingest-"+strconv.Itoa(i), bin.ingest
		if !isIngest {
			name, path = "worker-"+strconv.Itoa(i-ingests), bin.worker
		}
		s := &service{process: r.process(name, path), admin: r.port()}
		var urls []string
		for j, n := range r.nodes {
			l, err := r.link(fmt.Sprintf("%s to n%d", name, j), n.addr)
			if err != nil {
				return err
			}
			s.nats, urls = append(s.nats, l), append(urls, "nats://"+l.addr)
		}
		s.env = []string{"NATS_URL=" + strings.Join(urls, ","), "LATCHKEY_NATS_REPLICAS=3", "LATCHKEY_ADMIN_LISTEN=" + s.admin,
			"ZOOM_ACCOUNT_ID=" + c.AccountID, "ZOOM_WEBHOOK_SECRET_TOKEN=" + c.SecretToken, "GOTRACEBACK=all"}
		var err error
		if isIngest {
			s.listen = r.port()
			if s.hook, err = r.link("balancer to "+name, s.listen); err != nil {
				return err
			}
			s.env = append(s.env, "LATCHKEY_LISTEN="+s.listen)
			r.ingests = append(r.ingests, s)
		} else {
			u, perr := url.Parse(r.db.URL())
			if perr != nil {
				return fmt.Errorf("chaos: the database's URL cannot be read") // it holds a password
			}
			if s.database, err = r.link(name+" to Postgres", u.Host); err != nil {
				return err
			}
			if s.zoom, err = r.link(name+" to Zoom", strings.TrimPrefix(r.sim.URL(), "http://")); err != nil {
				return err
			}
			u.Host = s.database.addr
			s.env = append(s.env, "DATABASE_URL="+u.String(), "ZOOM_CLIENT_ID="+c.ClientID, "ZOOM_CLIENT_SECRET="+c.ClientSecret,
				"ZOOM_API_URL=http://"+s.zoom.addr+"/v2", "ZOOM_OAUTH_URL=http://"+s.zoom.addr+"/oauth/token", "LATCHKEY_ZOOM_PLAN=business",
				"LATCHKEY_HOST_RESERVE=0", "LATCHKEY_LEASE=3s", "LATCHKEY_SETTINGS_TTL=1s", "LATCHKEY_SWEEP=8s")
			r.workers = append(r.workers, s)
		}
		if err := s.start(); err != nil {
			return err
		}
	}
	return nil
}

func (r *rig) process(name, path string) *process {
	return &process{name: name, path: path, dir: r.dir, starter: r.starter}
}

func (r *rig) link(name, target string) (*link, error) {
	return newLink(name, target, r.port(), r.seed)
}

// port is a loopback address that was free a moment ago and that nobody of ours has.
func (r *rig) port() string {
	for {
		p, err := embedded.FreePort()
		if err != nil {
			return "127.0.0.1:0" // whoever listens there says what is wrong
		}
		if !r.taken[p] {
			r.taken[p] = true
			return net.JoinHostPort("127.0.0.1", strconv.Itoa(p))
		}
	}
}

func (r *rig) services() []*service { return append(append([]*service{}, r.ingests...), r.workers...) }

// ready waits until every service says that it is ready.
func (r *rig) ready(ctx context.Context) error {
	for _, s := range r.services() {
		for {
			status, text := get(ctx, "http://"+s.admin+"/readyz")
			if status == http.StatusOK {
				break
			}
			if !wait(ctx, 200*time.Millisecond) {
				return fmt.Errorf("chaos: %s is not ready: status %d %s; its log is %s", s.name, status, text, s.logFile())
			}
		}
	}
	return nil
}

// links are all links.
func (r *rig) links() (all []*link) {
	for _, n := range r.nodes {
		if n.route != nil {
			all = append(all, n.route)
		}
	}
	for _, s := range r.services() {
		all = append(all, s.links()...)
	}
	return all
}

// heal undoes all harm and starts what does not run.
func (r *rig) heal(ctx context.Context) error {
	var errs []error
	for _, l := range r.links() {
		errs = append(errs, l.set(unharmed))
	}
	errs = append(errs, r.db.again(ctx))
	for _, n := range r.nodes {
		errs = append(errs, n.start())
	}
	for _, s := range r.services() {
		errs = append(errs, s.start())
	}
	return errors.Join(errs...)
}

// close ends everything, however far the start came. The run's folder stays.
func (r *rig) close() error {
	var errs []error
	if r.balancer != nil {
		r.balancer.close()
	}
	for _, s := range r.services() {
		s.kill()
	}
	if r.nc != nil {
		r.nc.Close()
	}
	for _, n := range r.nodes {
		n.kill()
	}
	for _, l := range r.links() {
		l.close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if r.db != nil {
		if r.db.Postgres != nil {
			errs = append(errs, r.db.Stop(ctx))
		}
		errs = append(errs, os.RemoveAll(r.db.dir))
	}
	if r.sim != nil {
		errs = append(errs, r.sim.Stop(ctx))
	}
	r.starter.close()
	for _, n := range r.nodes {
		errs = append(errs, os.RemoveAll(filepath.Join(r.dir, n.name)))
	}
	return errors.Join(errs...)
}

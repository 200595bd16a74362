package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"latchkey/internal/store"
	"latchkey/internal/webhook"
	"latchkey/internal/work"
)

// httpServer is one listener with all its timeouts set.
type httpServer struct {
	listener net.Listener
	server   *http.Server
	done     chan error
}

// listen opens the port; serve begins to answer.
func listen(addr, what string, h http.Handler, log *slog.Logger) (*httpServer, error) {
	addr, err := ownAddress(addr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%s cannot listen: %w", what, err)
	}
	return &httpServer{listener: l, done: make(chan error, 1), server: &http.Server{
		Handler:           h,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug), // what strangers send: no news
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      15 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
	}}, nil
}

// ownAddress is host:port as it is, or of network:port this machine's own address in
// that network.
func ownAddress(addr string) (string, error) {
	network, port, err := net.SplitHostPort(addr)
	if err != nil || !strings.Contains(network, "/") {
		return addr, nil
	}
	prefix, err := netip.ParsePrefix(network)
	if err != nil {
		return "", fmt.Errorf("%s is no network: %w", network, err)
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		return "", fmt.Errorf("this machine's own addresses: %w", err)
	}
	for _, a := range own {
		if ip, ok := a.(*net.IPNet); ok {
			if one, ok := netip.AddrFromSlice(ip.IP); ok && prefix.Contains(one.Unmap()) {
				return net.JoinHostPort(one.Unmap().String(), port), nil
			}
		}
	}
	return "", fmt.Errorf("this machine has no address in network %s: its own are %v", network, own)
}

func (s *httpServer) serve(l net.Listener) {
	go func() {
		if s.server.TLSConfig != nil {
			s.done <- s.server.ServeTLS(l, "", "")
			return
		}
		s.done <- s.server.Serve(l)
	}()
}

// stop takes no new connections and waits for the requests in progress.
func (s *httpServer) stop(ctx context.Context) error {
	err := s.server.Shutdown(ctx)
	if err != nil {
		_ = s.server.Close()
	}
	if served := <-s.done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// newRouter is a router whose panics are logged as any other of ours. (gin's own
// recovery writes what was panicked with, which may quote a body, past the log.)
func newRouter(log *slog.Logger) *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.Use(gin.CustomRecoveryWithWriter(nil, func(c *gin.Context, value any) {
		p := &work.PanicError{Value: value, Stack: debug.Stack()}
		log.Error("a request panicked", "path", c.FullPath(), "error", p, "stack", string(p.Stack))
		c.AbortWithStatus(http.StatusInternalServerError)
	}))
	// Nobody's X-Forwarded-For is believed; it would only reach the log.
	_ = r.SetTrustedProxies(nil)
	return r
}

// mostConnections bounds what ingest has open at once: more than the deliveries
// that it lets wait, and enough that a flood of connections gets through them
// quickly. Bodies that trickle on all of them cost some 200 MB together.
const mostConnections = 4096

// listenIngest opens ingest to everybody. A head and a body have 1.5 seconds each:
// Zoom waits 3 for the whole (Z-HOOK-6).
func (a *App) listenIngest(most int) (err error) {
	h, err := a.newWebhook()
	if err != nil {
		return fmt.Errorf("ZOOM_WEBHOOK_SECRET_TOKEN: %w", err)
	}
	scheme := "http"
	if c := a.o.Config; c.TLSCert != "" {
		if a.certificate, err = newCertificate(c.TLSCert, c.TLSKey); err != nil {
			return err
		}
		scheme = "https"
	}
	r := newRouter(a.log)
	h.Register(r)
	if a.ingest, err = listen(a.o.Config.Listen, "ingest (LATCHKEY_LISTEN)", r, a.log); err != nil {
		return err
	}
	s := a.ingest.server
	s.ReadHeaderTimeout, s.ReadTimeout, s.WriteTimeout = 1500*time.Millisecond, 3*time.Second, 5*time.Second
	if a.certificate != nil {
		a.certificate.secure(s)
	}
	s.MaxHeaderBytes = 2 << 10 // net/http adds 4 KiB; thousands of tiny headers cost many times their bytes
	a.ingest.serve(webhook.Limit(s, a.ingest.listener, most, a.deliveries))
	a.log.Info("ingest listens", "url", scheme+"://"+a.IngestAddr()+"/webhooks/zoom")
	return nil
}

func (a *App) listenAdmin() (err error) {
	r := newRouter(a.log)
	// Alive: this process answers. Whether others do is readiness.
	r.GET("/healthz", func(c *gin.Context) { c.String(http.StatusOK, "ok\n") })
	r.GET("/readyz", func(c *gin.Context) {
		status, report := a.ready(c.Request.Context())
		c.PureJSON(status, report)
	})
	r.GET("/metrics", gin.WrapH(promhttp.HandlerFor(a.registry, promhttp.HandlerOpts{EnableOpenMetrics: true})))
	if a.admin, err = listen(a.o.Config.AdminListen, "admin (LATCHKEY_ADMIN_LISTEN)", r, a.log); err != nil {
		return err
	}
	a.admin.serve(a.admin.listener)
	a.log.Info("admin listens", "url", "http://"+a.AdminAddr())
	return nil
}

// ready says whether this process can do its work now, part by part.
func (a *App) ready(ctx context.Context) (int, gin.H) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	status, report := http.StatusOK, gin.H{}
	note := func(part string, err error) {
		report[part] = "ok"
		if err != nil {
			report[part], status = err.Error(), http.StatusServiceUnavailable
		}
	}
	note("nats", a.bus.Check())
	if a.o.Worker {
		err := a.store.Ping(ctx)
		if err == nil && !a.migrated.on() {
			err = errors.New("the database is not migrated yet")
			var tooNew *store.TooNewError
			var notOwner *store.NotOwnerError
			if why := a.notMigrated.Load(); why != nil && (errors.As(*why, &tooNew) || errors.As(*why, &notOwner)) {
				err = *why
			}
		}
		note("postgres", err)
		note("worker", a.worker.Check())
	}
	return status, report
}

// IngestAddr is where webhooks arrive, host:port; "" before Start.
func (a *App) IngestAddr() string { return addr(a.ingest) }

// AdminAddr is where health and metrics are, host:port; "" before Start.
func (a *App) AdminAddr() string { return addr(a.admin) }

func addr(s *httpServer) string {
	if s == nil {
		return ""
	}
	host, port, _ := net.SplitHostPort(s.listener.Addr().String())
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

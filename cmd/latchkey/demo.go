package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"latchkey/internal/app"
	"latchkey/internal/config"
	"latchkey/internal/zoomsim"
)

func demoCommand() *cobra.Command {
	var once, asJSON bool
	var documents string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See the problem happen and be repaired, with everything in one process",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGPIPE)
			defer stop()
			context.AfterFunc(ctx, func() { // a second Ctrl-C ends it at once, a closed pipe never
				stop()
				signal.Ignore(syscall.SIGPIPE)
			})
			out := cmd.OutOrStdout()
			tell := out
			if asJSON {
				tell = io.Discard
			}
			d := &demo{out: tell, documents: zoomsim.Documents(documents)}
			defer d.close()
			if err := d.start(ctx); err != nil {
				return err
			}
			result, err := d.story(ctx)
			if err != nil {
				return err
			}
			if asJSON {
				if err := json.NewEncoder(out).Encode(result); err != nil {
					return err
				}
			}
			if !once && !asJSON && ctx.Err() == nil {
				d.stayUp(ctx)
			}
			if !result.repaired {
				return exitStatus(1)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "exit after the story")
	cmd.Flags().StringVar(&documents, "documents", "2025", "which of Zoom's documents the simulated Zoom follows where they disagree: 2025 or 2020")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object instead of the story, and exit")
	return cmd
}

// demo is the whole of latchkey and a simulated Zoom.
type demo struct {
	out       io.Writer
	dir       string
	begun     time.Time
	documents zoomsim.Documents
	sim       *zoomsim.Server
	app       *app.App
	gate      *gate
	rows      []*row
}

func (d *demo) start(ctx context.Context) (err error) {
	d.begun = time.Now()
	d.say(`latchkey guards Zoom meetings that should open with a waiting room alone, but
suddenly ask joiners for a passcode nobody gave them. The cause is a setting of
the host, a group or the account. Here is that happening, on a simulated Zoom;
NATS, Postgres and latchkey itself are the real thing.
`)
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if d.dir, err = os.MkdirTemp("", "latchkey-demo-"); err != nil {
		return err
	}
	// As root, Postgres runs as another user, who must be able to get there.
	if err := os.Chmod(d.dir, 0o711); err != nil {
		return err
	}
	if d.sim, err = zoomsim.Start(ctx, zoomsim.Options{Seed: 1, Documents: d.documents, Logger: logger}); err != nil {
		return fmt.Errorf("the simulated Zoom: %w", err)
	}
	c := d.sim.Credentials("")
	// The demonstration is the same whatever is configured around it; what may be
	// downloaded is said of the machine.
	cfg, err := config.Load(pick([]string{
		"ZOOM_WEBHOOK_SECRET_TOKEN=" + c.SecretToken, "ZOOM_ACCOUNT_ID=" + c.AccountID,
		"ZOOM_CLIENT_ID=" + c.ClientID, "ZOOM_CLIENT_SECRET=" + c.ClientSecret,
		"ZOOM_API_URL=" + d.sim.APIURL(), "ZOOM_OAUTH_URL=" + d.sim.OAuthURL(),
		"LATCHKEY_LISTEN=127.0.0.1:0", "LATCHKEY_ADMIN_LISTEN=127.0.0.1:0", "LATCHKEY_STATE=" + d.dir,
		"LATCHKEY_ZOOM_PLAN=business",
	}, "LATCHKEY_POSTGRES_DOWNLOAD"), config.Both)
	if err != nil {
		return err
	}
	if d.app, err = app.New(app.Options{Config: cfg, Ingest: true, Worker: true, Logger: logger}); err != nil {
		return err
	}
	if err := d.app.Start(ctx); err != nil {
		d.app = nil
		return err
	}
	if d.gate, err = openGate("http://" + d.app.IngestAddr()); err != nil {
		return err
	}
	if err := d.app.WaitReady(ctx); err != nil {
		return err
	}
	d.sim.SetWebhookURL(d.gate.url + "/webhooks/zoom")
	if err := d.sim.ValidateWebhook(ctx); err != nil {
		return fmt.Errorf("the URL validation: %w", err)
	}
	d.say("Up in %.1f s: a simulated Zoom at %s, NATS JetStream, Postgres,\ningest and worker. Zoom has validated the webhook URL.\n", time.Since(d.begun).Seconds(), d.sim.URL())
	return nil
}

func (d *demo) stayUp(ctx context.Context) {
	d.say(`
Everything stays up until Ctrl-C:
  health and metrics   http://%s/readyz  /metrics
  explain a meeting    LATCHKEY_STATE=%s bin/latchkey explain %d
  the simulated Zoom   curl %s/_sim/join/%d
`, d.app.AdminAddr(), d.dir, d.rows[0].id, d.sim.URL(), d.rows[0].id)
	<-ctx.Done()
}

// close ends everything in order and leaves nothing behind.
func (d *demo) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if d.app != nil {
		if err := d.app.Stop(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "latchkey: stop:", err)
		}
	}
	if d.gate != nil {
		d.gate.close()
	}
	if d.sim != nil {
		_ = d.sim.Stop(ctx)
	}
	if d.dir != "" {
		_ = os.RemoveAll(d.dir)
	}
}

func (d *demo) say(format string, args ...any) { fmt.Fprintf(d.out, format+"\n", args...) }

// gate stands between Zoom and ingest. While it is shut deliveries wait, so
// that the demonstration can show what a joiner meets before latchkey acts.
type gate struct {
	shut   sync.RWMutex
	url    string
	server *http.Server
}

func openGate(target string) (*gate, error) {
	u, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	g := &gate{url: "http://" + l.Addr().String()}
	proxy := httputil.NewSingleHostReverseProxy(u)
	proxy.ErrorLog = log.New(io.Discard, "", 0) // deliveries under way when the demonstration ends
	g.server = &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.shut.RLock()
		defer g.shut.RUnlock()
		proxy.ServeHTTP(w, r)
	})}
	go func() { _ = g.server.Serve(l) }()
	return g, nil
}

func (g *gate) close() { _ = g.server.Close() }

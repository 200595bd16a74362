package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"latchkey/internal/app"
	"latchkey/internal/config"
	"latchkey/internal/zoomsim"
)

// world is a simulated Zoom and what listens to its webhooks.
type world struct {
	sim *zoomsim.Server
	// settle returns when whatever the webhooks cause is done.
	settle func(context.Context) error
	// query asks latchkey's database; nil where a script listens.
	query func(ctx context.Context, sql string) (string, error)
	// hurry lets latchkey call as fast as it can, for what is not counted, or no more.
	hurry func(ctx context.Context, fast bool) error
}

// cost is what a case cost.
type cost struct {
	calls, refused int
	routes         string // by route, the most first
	problem        string // what is not as it must be in the end
	affected       int
}

// listener starts what is measured; the func ends it.
type listener func(ctx context.Context, sim *zoomsim.Server) (*world, func(), error)

func measure(ctx context.Context, c benchCase, by listener, verbose bool) (cost, error) {
	sim, err := zoomsim.Start(ctx, zoomsim.Options{Seed: 1, Scenario: c.scenario()})
	if err != nil {
		return cost{}, err
	}
	defer func() { _ = sim.Stop(context.WithoutCancel(ctx)) }()
	if err := sim.SetLimits("", zoomsim.Limits{}); err != nil {
		return cost{}, err
	}
	w, end, err := by(ctx, sim)
	if err != nil {
		return cost{}, err
	}
	defer end()
	if c.before != nil {
		if err := errors.Join(c.before(ctx, w), sim.WaitDeliveries(ctx), w.settle(ctx), w.hurry(ctx, false)); err != nil {
			return cost{}, fmt.Errorf("before: %w", err)
		}
	}
	if w.query != nil { // a script that heeds no limit would do no work behind its first 429
		if err := sim.SetLimits("", zoomsim.Limits{PerSecond: true, Daily: true}); err != nil {
			return cost{}, err
		}
	}
	sim.ResetRequests()
	if err := errors.Join(c.drive(ctx, w), sim.WaitDeliveries(ctx), w.settle(ctx)); err != nil {
		return cost{}, err
	}
	got := count(sim.Requests(), verbose)
	got.affected = c.affected
	if got.refused > 0 {
		got.problem = fmt.Sprintf("%d calls were refused with 429", got.refused)
	}
	if c.check != nil && w.query != nil {
		problem, err := c.check(ctx, w)
		if err != nil {
			return got, err
		}
		got.problem = strings.TrimSpace(got.problem + " " + problem)
	}
	return got, nil
}

// count counts API calls; tokens are not limited.
func count(all []zoomsim.Request, verbose bool) (c cost) {
	by := map[string]int{}
	for _, q := range all {
		if q.Label == "" {
			continue
		}
		c.calls++
		by[q.Method+" "+strings.TrimPrefix(q.Route, "/v2")]++
		if q.Status == http.StatusTooManyRequests {
			c.refused++
		}
		if verbose {
			fmt.Println("   ", q.Method, q.Path, q.Status)
		}
	}
	routes := slices.SortedFunc(maps.Keys(by), func(a, b string) int { return by[b] - by[a] })
	for i, r := range routes {
		routes[i] = fmt.Sprintf("%d %s", by[r], r)
	}
	c.routes = strings.Join(routes, ", ")
	return c
}

// latchkey is all of it in this process, with servers of its own in a folder of its own.
func latchkey(ctx context.Context, sim *zoomsim.Server) (w *world, end func(), err error) {
	dir, err := os.MkdirTemp("", "latchkey-calls-")
	if err != nil {
		return nil, nil, err
	}
	var a *app.App
	end = func() {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		if a != nil {
			err = errors.Join(err, a.Stop(stop))
		}
		_ = os.RemoveAll(dir)
	}
	defer func() {
		if err != nil {
			end()
		}
	}()
	if err = os.Chmod(dir, 0o711); err != nil { // Postgres's user passes
		return nil, nil, err
	}
	c := sim.Credentials("")
	cfg, err := config.Load([]string{
		"ZOOM_WEBHOOK_SECRET_TOKEN=" + c.SecretToken, "ZOOM_ACCOUNT_ID=" + c.AccountID, "ZOOM_CLIENT_ID=" + c.ClientID, "ZOOM_CLIENT_SECRET=" + c.ClientSecret,
		"ZOOM_API_URL=" + sim.APIURL(), "ZOOM_OAUTH_URL=" + sim.OAuthURL(), "LATCHKEY_LISTEN=127.0.0.1:0", "LATCHKEY_ADMIN_LISTEN=127.0.0.1:0",
		"LATCHKEY_STATE=" + dir, "LATCHKEY_ZOOM_PLAN=business", "LATCHKEY_POSTGRES_DOWNLOAD=off", "LATCHKEY_PARALLEL=32",
	}, config.Both)
	if err != nil {
		return nil, nil, err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	if a, err = app.New(app.Options{Config: cfg, Ingest: true, Worker: true, Logger: log}); err != nil {
		return nil, nil, err
	}
	if err = a.Start(ctx); err != nil {
		return nil, nil, err
	}
	if err = a.WaitReady(ctx); err != nil {
		return nil, nil, err
	}
	sim.SetWebhookURL("http://" + a.IngestAddr() + "/webhooks/zoom")
	url, err := app.RunningDatabase(dir)
	if err != nil {
		return nil, nil, err
	}
	query := func(ctx context.Context, sql string) (string, error) {
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			return "", err
		}
		defer conn.Close(ctx)
		var s string
		err = conn.QueryRow(ctx, sql).Scan(&s)
		return s, err
	}
	w = &world{sim: sim, query: query,
		settle: func(ctx context.Context) error {
			for {
				err := a.WaitQuiet(ctx)
				if err == nil || ctx.Err() != nil {
					return err
				}
			}
		},
		hurry: func(ctx context.Context, fast bool) error {
			limit := "NULL"
			if fast {
				limit = "1e5"
			}
			_, err := query(ctx, `WITH x AS (UPDATE latchkey.call_limits SET per_second = `+limit+` RETURNING 1) SELECT count(*)::text FROM x`)
			return err
		},
	}
	return w, end, nil
}

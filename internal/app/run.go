package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"latchkey/internal/config"
)

// stopWithin bounds an orderly stop; what is not finished then is finished by
// another worker, or delivered again.
const stopWithin = 25 * time.Second

// Main runs a role until SIGINT or SIGTERM and returns the process's exit status.
// A second signal ends it at once.
func Main(role config.Role, stderr io.Writer) int {
	c, err := config.Load(os.Environ(), role)
	if err != nil {
		fmt.Fprintf(stderr, "latchkey: invalid configuration:\n%v\n", err)
		return 2
	}
	log := NewLogger(c, stderr)
	ctx, release := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer release()
	// Once the first signal came, a second one ends a process whose stop hangs.
	if err := Run(ctx, Options{Config: c, Ingest: role != config.Worker, Worker: role != config.Ingest, Logger: log, Environ: os.Environ(), Reload: hangups()}, func(*App) { context.AfterFunc(ctx, release) }); err != nil {
		fmt.Fprintf(stderr, "latchkey: %v\n", err)
		return 1
	}
	return 0
}

// Run starts an App, calls started, and stops it in order when ctx ends.
func Run(ctx context.Context, o Options, started func(*App)) error {
	a, err := New(o)
	if err != nil {
		return err
	}
	if err := a.Start(ctx); err != nil {
		return err
	}
	started(a)
	<-ctx.Done()
	o.Logger.Info("stopping")
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	return a.Stop(stop)
}

// NewLogger makes the process's logger as configured.
func NewLogger(c config.Config, w io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.LogLevel)) // config holds one of slog's words
	o := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// hangups receives SIGHUP, which asks for policies and secrets to be read again.
func hangups() <-chan os.Signal {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	return c
}

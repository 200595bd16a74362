package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"latchkey/internal/app"
	"latchkey/internal/config"
)

func replayCommand() *cobra.Command {
	var since string
	var asJSON bool
	var o app.ReplayOptions
	cmd := &cobra.Command{
		Use:   "replay --since <time or how long ago>",
		Short: "Take events in again from the stream, after the database was restored from a backup",
		Long: "Reads the stream of events from then on and takes each event in that the database does not have;\n" +
			"those it has change nothing. What workers consume is not touched; they may run meanwhile. It needs\n" +
			"the configuration of a worker, DATABASE_URL and NATS_URL included.",
		Example: "  latchkey replay --since 2026-11-26T08:00:00Z --dry-run\n  latchkey replay --since 6h",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if o.Since, err = ago(since, time.Now()); err != nil {
				return fmt.Errorf("--since: %w", err)
			}
			var keys []string
			for _, k := range config.Keys() {
				keys = append(keys, k.Name, k.Name+"_FILE")
			}
			environ := withSecrets(pick(nil, keys...))
			if os.Getenv("DATABASE_URL")+os.Getenv("DATABASE_URL_FILE") == "" {
				url, err := databaseURL() // of a running latchkey
				if err != nil {
					return err
				}
				environ = append(environ, "DATABASE_URL="+url)
			}
			if os.Getenv("NATS_URL")+os.Getenv("NATS_URL_FILE") == "" {
				dir, err := app.StateDir(config.Config{StateDir: os.Getenv("LATCHKEY_STATE")})
				if err != nil {
					return err
				}
				url, err := app.RunningNATS(dir)
				if err != nil {
					return err
				}
				environ = append(environ, "NATS_URL="+url)
			}
			c, err := config.Load(environ, config.Worker)
			if err != nil {
				return err
			}
			log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn}))
			r, err := app.Replay(cmd.Context(), c, log, o)
			if asJSON {
				return errors.Join(err, json.NewEncoder(cmd.OutOrStdout()).Encode(r))
			}
			word := "taken in"
			if o.DryRun {
				word = "not in the database"
			}
			for _, name := range slices.Sorted(maps.Keys(r.InStream)) {
				fmt.Fprintf(cmd.OutOrStdout(), "%-34s %6d in the stream, %6d %s\n", name, r.InStream[name], r.New[name], word)
			}
			if r.Dead > 0 {
				fmt.Fprintf(cmd.OutOrStdout(), "%d could not be used and are dead letters\n", r.Dead)
			}
			if len(r.InStream) == 0 && err == nil {
				fmt.Fprintf(cmd.OutOrStdout(), "the stream holds no such event since %s\n", o.Since.UTC().Format(time.RFC3339))
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&since, "since", "", "a time such as 2026-11-26T08:00:00Z, or how long ago, such as 6h (required)")
	f.StringVar(&o.Account, "account", "", "of this account alone")
	f.StringVar(&o.Event, "event", "", "of this name alone, such as meeting.created")
	f.BoolVar(&o.DryRun, "dry-run", false, "only count")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	_ = cmd.MarkFlagRequired("since")
	return cmd
}

// ago reads a time in the past, or how long ago it was.
func ago(s string, now time.Time) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, s)
	if d, derr := time.ParseDuration(s); derr == nil {
		at, err = now.Add(-d), nil
	}
	switch {
	case err != nil:
		return at, fmt.Errorf("%q: want a time such as 2026-11-26T08:00:00Z, or how long ago, such as 6h", s)
	case !at.Before(now):
		return at, fmt.Errorf("%q is not in the past", s)
	}
	return at, nil
}

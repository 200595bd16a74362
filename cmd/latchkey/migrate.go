package main

import (
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"latchkey/internal/app"
	"latchkey/internal/config"
	"latchkey/internal/store"
)

func migrateCommand() *cobra.Command {
	return &cobra.Command{
		Use: "migrate", Short: "Bring the database to this version's schema, and set up the streams where NATS_URL is set", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			url, err := databaseURL()
			if err != nil {
				return err
			}
			applied, err := store.Migrate(cmd.Context(), url)
			if err != nil {
				return err
			}
			for _, name := range applied {
				fmt.Fprintln(cmd.OutOrStdout(), "applied", name)
			}
			if len(applied) == 0 {
				fmt.Fprintln(cmd.OutOrStdout(), "nothing to do: the schema is this version's")
			}
			return setUpStreams(cmd)
		},
	}
}

// setUpStreams does for NATS what a worker's start does; nothing where NATS_URL is
// not set.
func setUpStreams(cmd *cobra.Command) error {
	if os.Getenv("NATS_URL")+os.Getenv("NATS_URL_FILE") == "" {
		return nil
	}
	var keys []string
	for _, k := range config.Keys() {
		if n := k.Name; strings.HasPrefix(n, "NATS_") || strings.HasPrefix(n, "LATCHKEY_STREAM") || strings.HasPrefix(n, "LATCHKEY_NATS_") || strings.HasSuffix(n, "_MAX_AGE") || strings.HasSuffix(n, "_MAX_BYTES") || strings.HasSuffix(n, "_DEDUP") {
			keys = append(keys, n, n+"_FILE")
		}
	}
	c, err := config.Load(pick([]string{"DATABASE_URL=postgres://unused/unused"}, keys...), config.Admin)
	if err != nil {
		return err
	}
	names, err := app.SetUpStreams(cmd.Context(), c, slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		return err
	}
	fmt.Fprintln(cmd.OutOrStdout(), "the streams stand:", strings.Join(names, ", "))
	return nil
}

package main

import (
	"os"

	"github.com/spf13/cobra"

	"latchkey/internal/app"
	"latchkey/internal/config"
)

func serveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Run ingest and worker in one process",
		Long: "Runs ingest and worker against Zoom. NATS and Postgres run embedded unless NATS_URL and\n" +
			"DATABASE_URL are set. docs/zoom-setup.md says how to make the Zoom app; `latchkey config`\n" +
			"lists every environment variable.",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if status := app.Main(config.Both, os.Stderr); status != 0 {
				return exitStatus(status)
			}
			return nil
		},
	}
}

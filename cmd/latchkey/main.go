// Command latchkey is everything in one: the service, the demonstration, the
// simulated Zoom and the commands for people.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"latchkey/internal/app"
	"latchkey/internal/config"
)

// version is set by the build (Makefile, Dockerfile).
var version = "dev"

func main() { os.Exit(run()) }

func run() int {
	root := &cobra.Command{
		Use:   "latchkey",
		Short: "Keeps Zoom meetings from asking joiners for a passcode nobody gave them",
		Long: "latchkey listens to Zoom's webhooks, finds meetings that would demand a passcode\n" +
			"because a host, group or account setting made Zoom add one, says why, and repairs\n" +
			"them where Zoom's rules allow.\n\nBegin with `latchkey demo`.",
		Version: version, SilenceUsage: true, SilenceErrors: true,
	}
	root.AddCommand(demoCommand(), serveCommand(), simCommand(), explainCommand(), passcodeCommand(), decideCommand(),
		forecastCommand(), whatIfCommand(), undoAlignmentCommand(), migrateCommand(), configCommand())
	err := root.ExecuteContext(context.Background())
	var status exitStatus
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	}
	fmt.Fprintln(os.Stderr, "latchkey:", err)
	return 1
}

// exitStatus ends the process with a status, everything being said already.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

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

func configCommand() *cobra.Command {
	return &cobra.Command{
		Use: "config", Short: "List the environment variables, and check those that are set", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			out := cmd.OutOrStdout()
			for _, k := range config.Keys() {
				state := "not set"
				switch value := os.Getenv(k.Name); {
				case value != "" && k.Secret:
					state = "set"
				case value != "":
					state = value
				case k.Secret && os.Getenv(k.Name+"_FILE") != "":
					state = "from a file"
				case k.Default != "":
					state = k.Default + " (default)"
				}
				fmt.Fprintf(out, "%-26s %s\n%-26s want %s\n%-26s now: %s\n", k.Name, k.Doc, "", k.Form, "", state)
			}
			if _, err := config.Load(os.Environ(), config.Both); err != nil {
				return fmt.Errorf("not usable for `latchkey serve`:\n%w", err)
			}
			fmt.Fprintln(out, "\nusable for `latchkey serve`")
			return nil
		},
	}
}

package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"latchkey/internal/zoomsim"
)

func simCommand() *cobra.Command {
	var scenario, listen, webhook, documents string
	var seed uint64
	cmd := &cobra.Command{
		Use:   "sim",
		Short: "Run a simulated Zoom: API, OAuth, webhooks and Zoom's rules",
		Long:  "Runs a simulated Zoom until Ctrl-C and prints its addresses and credentials as shell variables.\ndocs/simulator.md describes the scenario file and the control API under /_sim/.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			o := zoomsim.Options{Listen: listen, WebhookURL: webhook, Seed: seed, Documents: zoomsim.Documents(documents),
				Logger: slog.New(slog.NewTextHandler(os.Stderr, nil))}
			if scenario != "" {
				f, err := os.Open(scenario)
				if err != nil {
					return err
				}
				o.Scenario, err = zoomsim.LoadScenario(f)
				f.Close()
				if err != nil {
					return fmt.Errorf("%s: %w", scenario, err)
				}
			}
			sim, err := zoomsim.Start(ctx, o)
			if err != nil {
				return err
			}
			printCredentials(cmd, sim)
			<-ctx.Done()
			end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
			defer cancel()
			return sim.Stop(end)
		},
	}
	f := cmd.Flags()
	f.StringVar(&scenario, "scenario", "", "YAML file that sets the simulated Zoom up (default: the demo's)")
	f.StringVar(&listen, "listen", "127.0.0.1:8090", "host:port to listen on")
	f.StringVar(&webhook, "webhook", "http://127.0.0.1:8080/webhooks/zoom", "where webhooks are sent")
	f.StringVar(&documents, "documents", "", "2025 or 2020: which of Zoom's documents decides about a create without a passcode (default: the scenario's, else 2025)")
	f.Uint64Var(&seed, "seed", 0, "seed of everything random (default: a new one, printed)")
	return cmd
}

func printCredentials(cmd *cobra.Command, sim *zoomsim.Server) {
	c := sim.Credentials("")
	w := cmd.OutOrStdout()
	fmt.Fprintf(w, "# a simulated Zoom; control API: %s/_sim/\n", sim.URL())
	for _, kv := range [][2]string{
		{"ZOOM_API_URL", sim.APIURL()}, {"ZOOM_OAUTH_URL", sim.OAuthURL()}, {"ZOOM_ACCOUNT_ID", c.AccountID},
		{"ZOOM_CLIENT_ID", c.ClientID}, {"ZOOM_CLIENT_SECRET", c.ClientSecret}, {"ZOOM_WEBHOOK_SECRET_TOKEN", c.SecretToken},
	} {
		fmt.Fprintf(w, "export %s=%s\n", kv[0], kv[1])
	}
}

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"latchkey/internal/admin"
	"latchkey/internal/passcode"
	"latchkey/internal/store"
)

func forecastCommand() *cobra.Command {
	var asJSON bool
	command := &cobra.Command{
		Use:   "forecast <host's e-mail or id>",
		Short: "Say whether a host's next meetings would demand a passcode, and why",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withStore(cmd, func(ctx context.Context, s *store.Store) error {
				h, err := admin.Forecast(ctx, s, args[0])
				if err != nil {
					return err
				}
				if h.ForecastWhy == "" {
					return fmt.Errorf("host %s has not been read from Zoom yet; last error: %s", args[0], cmp.Or(h.LastError, "none"))
				}
				out := cmd.OutOrStdout()
				if asJSON {
					return json.NewEncoder(out).Encode(map[string]any{"host_id": h.ID, "email": h.Email, "why": h.ForecastWhy, "forecast": h.Forecast, "read_at": h.ReadAt})
				}
				fmt.Fprintf(out, "%s\n\nhost      %s %s\n", h.ForecastWhy, h.Email, h.ID)
				if !h.ReadAt.IsZero() {
					fmt.Fprintf(out, "read      %s\n", clock(h.ReadAt))
				}
				for _, e := range []passcode.Expectation{h.Forecast.Scheduled, h.Forecast.PMI, h.Forecast.Already} {
					if who := e.Reason.WhoCanChange(); e.Reason.Code != "" && who != "" {
						fmt.Fprintf(out, "%s: %s\n", e.Reason.Path, who)
					}
				}
				return nil
			})
		},
	}
	command.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return command
}

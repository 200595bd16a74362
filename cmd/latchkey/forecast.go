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
	var account string
	command := &cobra.Command{
		Use:   "forecast <host's e-mail or id>",
		Short: "Say whether a host's next meetings would demand a passcode, and why",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withStore(cmd, func(ctx context.Context, s *store.Store) error {
				h, err := admin.Forecast(ctx, s, account, args[0])
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
				fmt.Fprintf(out, "%s\n\nhost      %s %s, account %s\n", h.ForecastWhy, h.Email, h.ID, h.AccountID)
				if !h.ReadAt.IsZero() {
					fmt.Fprintf(out, "read      %s\n", clock(h.ReadAt))
				}
				said := map[string]bool{}
				for _, e := range []passcode.Expectation{h.Forecast.Scheduled, h.Forecast.Instant, h.Forecast.PMI, h.Forecast.Already} {
					who := e.Reason.Path + ": " + e.Reason.WhoCanChange()
					if e.Reason.Code != "" && e.Reason.WhoCanChange() != "" && !said[who] {
						fmt.Fprintln(out, who)
					}
					said[who] = true
				}
				return nil
			})
		},
	}
	command.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	command.Flags().StringVar(&account, "account", "", "the account of the host, where several know one of that id or address")
	return command
}

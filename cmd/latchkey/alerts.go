package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"latchkey/internal/alert"
	"latchkey/internal/store"
)

func alertsCommand() *cobra.Command {
	var account string
	var types []string
	var follow, asJSON bool
	var limit int
	known := alert.Types()
	slices.Sort(known)
	cmd := &cobra.Command{
		Use:     "alerts [--follow] [--type TYPE,…]",
		Short:   "Print the alerts that were sent, for people: the newest, and with --follow those to come",
		Long:    "They are read from the database, which keeps them for LATCHKEY_KEEP_ALERTS. Services read them\nfrom NATS: docs/alerts.md. The types: " + strings.Join(known, ", ") + ".",
		Example: "  latchkey alerts --follow\n  latchkey alerts --type meeting.open,meeting.unfixable --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, t := range types {
				if !slices.Contains(known, t) {
					return fmt.Errorf("--type %s is none: want some of %s", t, strings.Join(known, ", "))
				}
			}
			if limit < 1 {
				return errors.New("--limit: want a number above 0")
			}
			url, err := databaseURL()
			if err != nil {
				return err
			}
			s, err := store.Open(url)
			if err != nil {
				return err
			}
			defer s.Close()
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return printAlerts(ctx, cmd.OutOrStdout(), s, store.Told{Account: account, Types: types, Limit: limit}, follow, asJSON)
		},
	}
	f := cmd.Flags()
	f.StringVar(&account, "account", "", "of this account alone")
	f.StringSliceVar(&types, "type", nil, "of these types alone")
	f.BoolVar(&follow, "follow", false, "go on with those to come, until Ctrl-C")
	f.IntVar(&limit, "limit", 20, "how many of those that were sent")
	f.BoolVar(&asJSON, "json", false, "print a JSON object a line")
	return cmd
}

// alertsEvery is how often it is looked for new ones, and alertsBack how far back, since
// they may be committed in another order than they were published in.
const (
	alertsEvery = time.Second
	alertsBack  = time.Minute
)

func printAlerts(ctx context.Context, out io.Writer, s *store.Store, t store.Told, follow, asJSON bool) error {
	for {
		look, cancel := context.WithTimeout(ctx, 20*time.Second)
		all, err := s.Alerts(look, t)
		cancel()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		for _, a := range all {
			t.After = max(t.After, a.Seq)
			if err := printAlert(out, a, asJSON); err != nil {
				return err
			}
		}
		if !follow {
			if len(all) == 0 && !asJSON {
				fmt.Fprintln(out, "none")
			}
			return nil
		}
		t.Since, t.Limit = time.Now().Add(-alertsBack), 1000
		pause(ctx, alertsEvery)
		if ctx.Err() != nil {
			return nil
		}
	}
}

func printAlert(out io.Writer, a store.Alert, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(out).Encode(map[string]any{"id": a.ID, "sequence": a.Seq, "account_id": a.AccountID, "type": a.Type, "subject": a.Subject, "time": a.CreatedAt.UTC(), "data": a.Data})
	}
	var data struct {
		Why string `json:"why"`
	}
	_ = json.Unmarshal(a.Data, &data) // one without a sentence is told by its type
	return wrapped(out, func(out io.Writer) error {
		_, err := fmt.Fprintf(out, "%s  %s  %s\n    %s\n", clock(a.CreatedAt), a.Type, a.Subject, strings.ReplaceAll(data.Why, "\n", " "))
		return err
	})
}

package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"latchkey/internal/admin"
	"latchkey/internal/app"
	"latchkey/internal/config"
	"latchkey/internal/passcode"
	"latchkey/internal/probe"
	"latchkey/internal/store"
)

func doctorCommand() *cobra.Command {
	var host, account string
	var ask, yes, asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor --probe --host <e-mail or id>",
		Short: "Find out what Zoom does on this account where its documents disagree",
		Long: "Makes a few meetings far ahead on a real account, looks what becomes of them, and deletes them.\n" +
			"It says what it will do and spend, and asks first. The answers are printed and kept (table probes):\n" +
			"from then on they stand in the place of \"disputed\". It needs the credentials that the worker has and,\n" +
			"besides its scopes, meeting:write:meeting:admin and meeting:delete:meeting:admin.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !ask {
				return errors.New("doctor has one thing to do so far: want --probe")
			}
			return withStore(cmd, func(ctx context.Context, s *store.Store) error {
				h, known, err := admin.HostSettings(ctx, s, account, host)
				if err != nil {
					return err
				}
				c, err := config.Load(withSecrets(pick([]string{"NATS_URL=nats://unused:4222", "DATABASE_URL=postgres://unused/unused"}, policyKeys...)), config.Worker)
				if err != nil {
					return err
				}
				api, ok := app.ZoomFor(c, h.AccountID)
				if !ok {
					return fmt.Errorf("account %s of host %s is not configured: set ZOOM_ACCOUNT_ID, ZOOM_CLIENT_ID and ZOOM_CLIENT_SECRET, or LATCHKEY_CONFIG", h.AccountID, host)
				}
				defer api.Close()
				if !yes && !agreed(cmd, h) {
					return errors.New("nothing was done: want `yes` on standard input, or --yes")
				}
				// A signal ends the questions; what was made is deleted all the same.
				ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
				defer stop()
				ctx, cancel := context.WithTimeout(ctx, probeWithin)
				defer cancel()
				result, err := probe.Run(ctx, api, probe.Host{ID: h.ID, Passcode: known.Settings[passcode.KeyPasscode]}, time.Now())
				var answers []store.Probe
				for _, a := range result.Answers {
					if a.Answer == probe.NotHere {
						continue // another host may have shown it
					}
					answers = append(answers, store.Probe{Question: a.Question, Answer: a.Answer, Detail: a.Detail})
				}
				if len(answers) > 0 {
					err = errors.Join(err, s.SaveProbes(context.WithoutCancel(ctx), h.AccountID, answers, result.Documents))
				}
				if asJSON {
					return errors.Join(err, json.NewEncoder(cmd.OutOrStdout()).Encode(result))
				}
				printProbe(cmd.OutOrStdout(), h.AccountID, result)
				return err
			})
		},
	}
	f := cmd.Flags()
	f.BoolVar(&ask, "probe", false, "make meetings on the real account and look what becomes of them")
	f.StringVar(&host, "host", "", "the host on whose behalf: best one whose passcode setting is on and not locked")
	f.StringVar(&account, "account", "", "the account of the host, where several know one of that id or address")
	f.BoolVar(&yes, "yes", false, "do not ask")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	_ = cmd.MarkFlagRequired("host")
	return cmd
}

// probeWithin bounds one run: some thirty calls.
const probeWithin = 3 * time.Minute

// agreed says what will be done and reads whether it may be.
func agreed(cmd *cobra.Command, h store.Host) bool {
	fmt.Fprintf(cmd.ErrOrStderr(), "On behalf of %s, account %s, this makes up to %d meetings %d days ahead, changes two of them, and deletes all.\n"+
		"It spends at most %d of the host's 100 creates and updates of this UTC day. Nobody is invited and no setting is changed.\n"+
		"Type yes to go on: ", cmp.Or(h.Email, h.ID), h.AccountID, probe.Meetings, int(probe.Ahead.Hours()/24), probe.Spends)
	line, _ := bufio.NewReader(io.LimitReader(cmd.InOrStdin(), 100)).ReadString('\n')
	return strings.TrimSpace(line) == "yes"
}

func printProbe(w io.Writer, accountID string, r probe.Result) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, a := range r.Answers {
		fmt.Fprintf(t, "%s\t%s\t%s\n", a.Asks, a.Answer, a.Detail)
	}
	t.Flush()
	switch {
	case r.Documents != "":
		fmt.Fprintf(w, "\nAccount %s follows Zoom's document of %s. Forecasts say so from each host's next reading on.\n", accountID, r.Documents)
	case len(r.Answers) > 0:
		fmt.Fprintln(w, "\nWhich of Zoom's documents this account follows could not be told.")
	}
	for _, id := range r.Left {
		fmt.Fprintf(w, "Meeting %v could not be deleted: please delete it.\n", id)
	}
}

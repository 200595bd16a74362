package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"latchkey/internal/admin"
	"latchkey/internal/app"
	"latchkey/internal/bus"
	"latchkey/internal/config"
)

func deadCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "dead", Short: "List, show, redrive or drop the events that could not be handled",
		Long: "Events that could not be handled wait in the dead-letter stream, with the reason. They are named by\n" +
			"their number in that stream. These commands need NATS alone: NATS_URL, or the server of a running\n" +
			"`latchkey serve`. docs/dead-letters.md says what to do about which.",
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(deadListCommand(), deadShowCommand(), deadRedriveCommand(), deadDropCommand())
	return cmd
}

// withBus runs f on the bus of the configuration, or of a running latchkey.
func withBus(cmd *cobra.Command, f func(*bus.Bus) error) error {
	c, err := config.Load(pick([]string{"DATABASE_URL=postgres://unused/unused"},
		"NATS_URL", "NATS_URL_FILE", "LATCHKEY_NATS_INBOX", "LATCHKEY_STATE", "LATCHKEY_STREAM_EVENTS", "LATCHKEY_STREAM_ALERTS", "LATCHKEY_STREAM_DEAD"), config.Admin)
	if err != nil {
		return err
	}
	b, err := app.BusFor(c, slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		return err
	}
	defer b.Close()
	return f(b)
}

// filterFlags are the flags that choose dead letters.
func filterFlags(cmd *cobra.Command, f *bus.DeadFilter) {
	cmd.Flags().StringVar(&f.Stage, "stage", "", "only those that were given up on there: ingest, intake or delivery")
	cmd.Flags().StringVar(&f.AccountID, "account", "", "only those of that account")
}

func deadListCommand() *cobra.Command {
	var filter bus.DeadFilter
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List the dead letters, oldest first, without what is in them", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withBus(cmd, func(b *bus.Bus) error {
				all := []admin.Dead{}
				for d, err := range b.DeadLetters(cmd.Context(), filter) {
					if err != nil {
						return err
					}
					all = append(all, admin.DeadOf(d))
				}
				if asJSON {
					return json.NewEncoder(cmd.OutOrStdout()).Encode(all)
				}
				return printDead(cmd.OutOrStdout(), all)
			})
		},
	}
	filterFlags(cmd, &filter)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func printDead(out io.Writer, all []admin.Dead) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(out, "there are no dead letters")
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tWHEN\tSTAGE\tACCOUNT\tEVENT\tATTEMPTS\tREASON\tEVENT ID")
	for _, d := range all {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%d\t%s\t%s\n", d.ID, d.At.UTC().Format(time.DateTime+"Z"), printable(d.Stage), printable(d.AccountID), printable(d.Event), d.Attempts, printable(d.Reason), printable(d.EventID))
	}
	return w.Flush()
}

// printable keeps texts that came from elsewhere from steering a terminal; "-" is nothing.
func printable(s string) string {
	if s == "" {
		return "-"
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

func deadShowCommand() *cobra.Command {
	var body, asJSON bool
	cmd := &cobra.Command{
		Use: "show <id>", Short: "Show one dead letter; with --body also the event as Zoom sent it",
		Long: "Shows what is known of a dead letter. Only with --body, after an empty line, also the event's bytes as\n" +
			"they came, which may hold passcodes; with --json they are in base64.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ids, err := deadIDs(args)
			if err != nil {
				return err
			}
			return withBus(cmd, func(b *bus.Bus) error {
				letter, err := b.DeadLetter(cmd.Context(), ids[0])
				if err != nil {
					return fmt.Errorf("%d: %w", ids[0], err)
				}
				d, out := admin.DeadOf(letter), cmd.OutOrStdout()
				if body {
					fmt.Fprintln(cmd.ErrOrStderr(), "these bytes are as Zoom sent them: they may hold passcodes")
				}
				if asJSON {
					if body {
						d.Body = letter.Event.Body
					}
					return json.NewEncoder(out).Encode(d)
				}
				received := "not known"
				if !d.ReceivedAt.IsZero() {
					received = d.ReceivedAt.UTC().Format(time.RFC3339)
				}
				fmt.Fprintf(out, "id        %d\nwhen      %s\nstage     %s\naccount   %s\nevent     %s\nevent id  %s\nattempts  %d\nreceived  %s\nsigned    %s\nrequest   %s\nbytes     %d\nreason    %s\n",
					d.ID, d.At.UTC().Format(time.RFC3339), printable(d.Stage), printable(d.AccountID), printable(d.Event), printable(d.EventID), d.Attempts,
					received, printable(d.SignedFor), printable(d.RequestID), d.Size, printable(d.Reason))
				if body {
					fmt.Fprintln(out)
					_, err = out.Write(letter.Event.Body)
				}
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&body, "body", false, "also the event's bytes, which may hold passcodes")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func deadIDs(args []string) (ids []uint64, err error) {
	for _, a := range args {
		id, err := strconv.ParseUint(a, 10, 64)
		if err != nil || id == 0 {
			return nil, fmt.Errorf("%q is no dead letter: want a number from `latchkey dead list`", a)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// choose reads which dead letters a command is about.
func choose(args []string, all bool, f bus.DeadFilter) (c admin.DeadChoice, err error) {
	switch {
	case all && len(args) > 0:
		return c, errors.New("want either numbers of dead letters or --all, not both")
	case !all && len(args) == 0:
		return c, errors.New("want numbers of dead letters, as `latchkey dead list` shows them, or --all")
	case !all && f != bus.DeadFilter{}:
		return c, errors.New("--stage and --account go with --all")
	}
	ids, err := deadIDs(args)
	return admin.DeadChoice{IDs: ids, Filter: f}, err
}

// tell says what became of each dead letter.
func tell(cmd *cobra.Command, done string) func(admin.Dead, error) {
	return func(d admin.Dead, err error) {
		if err != nil {
			fmt.Fprintf(cmd.ErrOrStderr(), "%d not %s: %v\n", d.ID, done, err)
			return
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%d %s: %s of account %s\n", d.ID, done, printable(d.Event), printable(d.AccountID))
	}
}

func deadRedriveCommand() *cobra.Command {
	var filter bus.DeadFilter
	var all bool
	cmd := &cobra.Command{
		Use: "redrive <id>… | --all", Short: "Let events be taken in again, as if they came now",
		Long: "Publishes the events of dead letters again and deletes those. Doing it twice is harmless: an event is\n" +
			"recorded once. One that cannot be handled again becomes a new dead letter, with one more attempt.\n" +
			"The NATS user needs the right to publish to $JS.API.STREAM.MSG.DELETE.<stream of dead letters>.",
		RunE: func(cmd *cobra.Command, args []string) error {
			choice, err := choose(args, all, filter)
			if err != nil {
				return err
			}
			return withBus(cmd, func(b *bus.Bus) error {
				return admin.RedriveDead(cmd.Context(), b, choice, tell(cmd, "redriven"))
			})
		},
	}
	filterFlags(cmd, &filter)
	cmd.Flags().BoolVar(&all, "all", false, "all that there are now")
	return cmd
}

func deadDropCommand() *cobra.Command {
	var filter bus.DeadFilter
	var all, yes bool
	cmd := &cobra.Command{
		Use: "drop <id>… | --all --yes", Short: "Delete dead letters for good",
		RunE: func(cmd *cobra.Command, args []string) error {
			choice, err := choose(args, all, filter)
			if err != nil {
				return err
			}
			if all && !yes {
				return errors.New("this would delete all of these events for good: say --yes, too; `latchkey dead list` with the same --stage and --account shows them")
			}
			return withBus(cmd, func(b *bus.Bus) error {
				return admin.DropDead(cmd.Context(), b, choice, tell(cmd, "dropped"))
			})
		},
	}
	filterFlags(cmd, &filter)
	cmd.Flags().BoolVar(&all, "all", false, "all that there are now")
	cmd.Flags().BoolVar(&yes, "yes", false, "with --all: really")
	return cmd
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/zoom"
)

func explainCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "explain <meeting id>",
		Short: "Say in one sentence whether a meeting asks for a passcode and why; then the evidence",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := zoom.ParseMeetingID(strings.Join(args, ""))
			if err != nil {
				return err
			}
			return withStore(cmd, func(ctx context.Context, s *store.Store) error {
				story, err := s.Story(ctx, int64(id))
				if errors.Is(err, store.ErrNotFound) {
					return neverHeard(id)
				}
				if err != nil {
					return err
				}
				explain(cmd.OutOrStdout(), story)
				return nil
			})
		},
	}
}

func passcodeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "passcode <meeting id>",
		Short: "Print the passcode that Zoom insists on, to pass to ZoomMtg.join({passWord})",
		Long: "Prints the passcode of a meeting on standard output, and nothing else there. A meeting that has\n" +
			"none prints an empty line, which is what ZoomMtg.join wants then.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := zoom.ParseMeetingID(strings.Join(args, ""))
			if err != nil {
				return err
			}
			return withStore(cmd, func(ctx context.Context, s *store.Store) error {
				m, err := s.Meeting(ctx, int64(id))
				if errors.Is(err, store.ErrNotFound) {
					return neverHeard(id)
				}
				if err != nil {
					return err
				}
				p, err := s.Passcode(ctx, int64(id))
				switch {
				case err == nil:
					fmt.Fprintln(cmd.OutOrStdout(), p.Value)
					return nil
				case !errors.Is(err, store.ErrNotFound):
					return err
				case m.Outcome == passcode.OutcomeJoinable:
					fmt.Fprintln(cmd.OutOrStdout())
					return nil
				}
				return fmt.Errorf("the passcode of meeting %s is not known: %s", id, m.Why)
			})
		},
	}
}

func neverHeard(id zoom.MeetingID) error {
	return fmt.Errorf("latchkey never heard of meeting %s: no event named it. Was it made before latchkey was set up, or on another account?", id)
}

// explain writes a meeting's story: one sentence first, then the evidence.
func explain(w io.Writer, s store.Story) {
	m := s.Meeting
	if m.Outcome == "" {
		fmt.Fprintln(w, "It has not been checked yet.")
	} else {
		fmt.Fprintln(w, m.Why)
	}
	last := lastRepair(s.Repairs)
	if m.Outcome == passcode.OutcomeJoinable && last != nil && last.Result == store.RepairHeld {
		fmt.Fprintf(w, "Repaired at %s. Before that: %s\n", clock(last.EndedAt), last.Why)
	}

	fmt.Fprintf(w, "\nmeeting   %d", m.ID)
	if m.Topic != "" {
		fmt.Fprintf(w, " %q", m.Topic)
	}
	if !m.Start.IsZero() {
		fmt.Fprintf(w, ", starts %s", clock(m.Start))
	}
	fmt.Fprintf(w, ", %s\n", m.Status)
	if m.HostID != "" {
		fmt.Fprintf(w, "host      %s %s\n", s.Host.Email, m.HostID)
	}
	fmt.Fprintf(w, "seen      passcode %s, waiting room %s, authentication %s%s\n", m.Passcode, m.WaitingRoom, m.Authentication, at(m.ObservedAt))
	if m.Outcome != "" {
		fmt.Fprintf(w, "verdict   %s, remedy %s%s\n", m.Outcome, m.Remedy, at(m.DecidedAt))
	}
	if !m.DueAt.IsZero() {
		fmt.Fprintf(w, "next      to be checked again %s (%s)\n", clock(m.DueAt), m.DueWhy)
	}
	if m.LastError != "" {
		fmt.Fprintf(w, "trouble   %s\n", m.LastError)
	}

	reasons := m.Reasons
	if m.Outcome == passcode.OutcomeJoinable && last != nil {
		reasons = last.Reasons
	}
	if len(reasons) > 0 {
		fmt.Fprintln(w, "\nevidence")
	}
	for _, r := range reasons {
		fmt.Fprintf(w, "  %s\n", r.Sentence())
		if r.Path != "" {
			lock := ""
			if r.Locked {
				lock = ", locked by " + string(r.Level) + " " + r.By
			}
			fmt.Fprintf(w, "    %s = %s%s%s\n", r.Path, r.Value, lock, at(r.Seen))
		}
		if who := r.WhoCanChange(); who != "" {
			fmt.Fprintf(w, "    %s\n", who)
		}
	}
	if len(s.Changes) > 0 {
		fmt.Fprintln(w, "\nchanges of the host's settings, newest first")
	}
	for _, c := range s.Changes {
		fmt.Fprintf(w, "  %s  %s %s -> %s by %s\n", clock(c.ChangedAt), c.Setting, c.Old, c.New, orUnknown(c.ChangedBy))
	}
	if len(s.Repairs) > 0 {
		fmt.Fprintln(w, "\nwhat was done")
	}
	for _, r := range s.Repairs {
		fmt.Fprintf(w, "  %s  %s: %s", clock(r.StartedAt), r.Remedy, r.Result)
		if r.Detail != "" {
			fmt.Fprintf(w, " (%s)", r.Detail)
		}
		fmt.Fprintln(w)
	}
	if m.PasscodeReadable && m.Outcome == passcode.OutcomeDemands {
		fmt.Fprintf(w, "\n`latchkey passcode %d` gives the passcode, for ZoomMtg.join({passWord}).\n", m.ID)
	}
}

func lastRepair(repairs []store.Repair) *store.Repair {
	if len(repairs) == 0 {
		return nil
	}
	return &repairs[len(repairs)-1]
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }

func at(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return ", " + clock(t)
}

func orUnknown(s string) string {
	if s == "" {
		return "somebody Zoom did not name"
	}
	return s
}

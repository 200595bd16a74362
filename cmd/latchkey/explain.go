package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"latchkey/internal/admin"
	"latchkey/internal/invite"
	"latchkey/internal/passcode"
	"latchkey/internal/store"
)

// pasted reads the meeting that a command is about: a number, a link or an
// invitation in its arguments, or on standard input for the argument "-".
func pasted(cmd *cobra.Command, args []string) (invite.Invite, error) {
	if len(args) != 1 || args[0] != "-" {
		return invite.Read(strings.Join(args, " "))
	}
	text, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), invite.MaxSize+1))
	if err != nil {
		return invite.Invite{}, fmt.Errorf("read standard input: %w", err)
	}
	return invite.Read(string(text))
}

func explainCommand() *cobra.Command {
	var asJSON bool
	var account, other string
	cmd := &cobra.Command{
		Use:   "explain <meeting id, link or invitation, or - for standard input>",
		Short: "Say in one sentence whether a meeting asks for a passcode and why; then the evidence",
		Long: "Says whether a meeting asks for a passcode and why, in one sentence, then the evidence. Paste what\n" +
			"you have: the number as it is written, a link of any form, also as a mail filter wrapped it, or the\n" +
			"whole invitation. A link is judged, too: what whoever uses that very link meets.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if other != "" {
				return withStore(cmd, func(ctx context.Context, s *store.Store) error {
					return versus(ctx, s, cmd.OutOrStdout(), account, strings.Join(args, " "), other, asJSON)
				})
			}
			in, err := pasted(cmd, args)
			if err != nil {
				return err
			}
			return withStore(cmd, func(ctx context.Context, s *store.Store) error {
				e, err := admin.Explain(ctx, s, account, in.Number, time.Now())
				if err != nil {
					return err
				}
				e.Judge(in)
				if asJSON {
					return json.NewEncoder(cmd.OutOrStdout()).Encode(e)
				}
				return wrapped(cmd.OutOrStdout(), func(w io.Writer) error { explain(w, e); return nil })
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().StringVar(&other, "versus", "", "a second meeting, or a second host: say why one asks for a passcode and the other does not")
	cmd.Flags().StringVar(&account, "account", "", "the account of the meeting, where several have one of that number")
	return cmd
}

// explain writes a meeting's story: one sentence first, then the evidence.
func explain(w io.Writer, e admin.Explanation) {
	if e.Outcome == "" {
		fmt.Fprintln(w, "It has not been checked yet.")
	} else {
		fmt.Fprintln(w, e.Why)
	}
	if e.Pasted != nil && e.Pasted.Says != "" {
		fmt.Fprintln(w, e.Pasted.Says)
	}
	if e.Doubt != "" {
		fmt.Fprintln(w, e.Doubt)
	}
	last := e.LastRepair()
	repaired := e.Outcome == passcode.OutcomeJoinable && last != nil && last.Result == store.RepairHeld
	if repaired && last.Remedy == passcode.RemedyClear {
		fmt.Fprintf(w, "Its passcode was removed %s. It was there because %s.\n", clock(last.EndedAt), passcode.Verdict{Reasons: last.Reasons}.Causes())
	}
	for _, t := range e.Troubles {
		fmt.Fprintf(w, "%s Since %s.\n", t.Why, clock(t.Since))
	}
	explainState(w, e)

	reasons := e.Reasons
	if repaired {
		reasons = last.Reasons
	}
	explainEvidence(w, reasons, e.Changes)
	if len(e.Repairs) > 0 {
		fmt.Fprintln(w, "\nwhat was done")
	}
	for _, r := range e.Repairs {
		fmt.Fprintf(w, "  %s  %s: %s", clock(r.StartedAt), r.Remedy, r.Result)
		if r.Detail != "" {
			fmt.Fprintf(w, " (%s)", r.Detail)
		}
		fmt.Fprintln(w)
	}
	for _, c := range e.Rotated {
		fmt.Fprintf(w, "  %s  the passcode became another one, by %s\n", clock(c.SeenAt), cmp.Or(c.Operator, c.ChangedBy))
	}
	if e.Known && e.Outcome == passcode.OutcomeDemands {
		fmt.Fprintf(w, "\n`latchkey passcode %s` returns the passcode, for ZoomMtg.join({passWord}).\n", e.MeetingID)
	}
	if e.Outcome == passcode.OutcomeJoinable || e.Known && e.Outcome == passcode.OutcomeDemands {
		// Z-JOIN-3, Z-JOIN-4: else the passcode is blamed for it.
		fmt.Fprintln(w, "\nA refusal that is not \"Passcode wrong\" (3004) is another matter: docs/joining.md.")
	}
}

// explainState writes what was seen, decided, and comes next.
func explainState(w io.Writer, e admin.Explanation) {
	fmt.Fprintf(w, "\nmeeting   %s", e.MeetingID)
	if e.Topic != "" {
		fmt.Fprintf(w, " %q", e.Topic)
	}
	if !e.Start.IsZero() {
		fmt.Fprintf(w, ", starts %s", clock(e.Start))
	}
	fmt.Fprintf(w, ", %s\n", e.Status)
	if e.PMI != "" {
		fmt.Fprintf(w, "number    joiners type %s, the host's personal meeting id\n", e.PMI)
	}
	for _, o := range e.Others {
		fmt.Fprintf(w, "also      meeting %s %q of account %s answers to that number: %s\n", o.MeetingID, o.Topic, o.AccountID, cmp.Or(string(o.Outcome), "not checked yet"))
	}
	if e.HostID != "" {
		fmt.Fprintf(w, "host      %s %s\n", e.HostEmail, e.HostID)
	}
	switch e.Outcome {
	case passcode.OutcomeJoinable, passcode.OutcomeDemands, passcode.OutcomeUnsecured:
		fmt.Fprintf(w, "joining   %s\n", e.Channels.Sentence())
	}
	fmt.Fprintf(w, "seen      passcode %s, waiting room %s, authentication %s%s\n", e.Passcode, e.Room, e.Auth, at(e.Observed))
	if words := e.WhoWaits.Words(); words != "" && e.Room == passcode.On {
		fmt.Fprintf(w, "waits     the waiting room holds %s\n", words)
	}
	if e.RoomBecause != "" {
		fmt.Fprintf(w, "room      the waiting room is on because %s\n", e.RoomBecause)
	}
	if made := madeBy(e); made != "" {
		fmt.Fprintf(w, "made      %s\n", made)
	}
	if e.Outcome != "" {
		fmt.Fprintf(w, "verdict   %s, remedy %s%s\n", e.Outcome, e.Remedy, at(e.Decided))
	}
	if !e.Since.IsZero() {
		fmt.Fprintf(w, "since     %s\n", clock(e.Since))
	}
	if !e.Due.IsZero() {
		fmt.Fprintf(w, "next      to be checked again %s (%s)\n", clock(e.Due), e.DueWhy)
	}
	if e.LastError != "" {
		fmt.Fprintf(w, "error     %s\n", e.LastError)
	}
	if e.HostError != "" {
		fmt.Fprintf(w, "error     host: %s\n", e.HostError)
	}
}

// through says what Zoom's words for the origin of a meeting mean.
var through = map[string]string{"open_api": "through Zoom's API", "web_portal": "in Zoom's web portal", "zoom_scheduler": "with Zoom Scheduler", "other": "in another way than Zoom's API or web portal"}

// madeBy says when, through what and by whom a meeting was made; "" where nothing
// of it is known.
func madeBy(e admin.Explanation) string {
	var parts []string
	if !e.Created.IsZero() {
		parts = append(parts, clock(e.Created))
	}
	if e.Source != "" {
		parts = append(parts, cmp.Or(through[e.Source], e.Source))
	}
	if e.CreatedBy != "" {
		parts = append(parts, "by "+e.CreatedBy)
	}
	return strings.Join(parts, ", ")
}

// explainEvidence writes the reasons, and who changed which setting.
func explainEvidence(w io.Writer, reasons []passcode.Reason, changes []store.SettingChange) {
	if len(reasons) > 0 {
		fmt.Fprintln(w, "\nevidence")
	}
	for _, r := range reasons {
		fmt.Fprintf(w, "  %s\n", r.Sentence())
		if r.Path != "" && !r.Seen.IsZero() {
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
	if len(changes) > 0 {
		fmt.Fprintln(w, "\nchanges of the settings that hold for the host, newest first")
	}
	for _, c := range changes {
		setting := c.Setting
		if c.What == store.ChangedLock {
			setting = "lock on " + setting
		}
		if c.Level != passcode.LevelHost {
			setting += " of " + string(c.Level) + " " + cmp.Or(c.LevelName, c.LevelID)
		}
		fmt.Fprintf(w, "  %s  %s %s -> %s by %s\n", clock(c.ChangedAt), setting, c.Old, c.New, cmp.Or(c.ChangedBy, "somebody Zoom did not name"))
	}
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }

func at(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return ", " + clock(t)
}

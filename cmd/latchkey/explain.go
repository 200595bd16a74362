package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/zoom"
)

// inLink finds the meeting number in an invitation or join link of any of
// Zoom's forms: /j/…, /s/…, /w/…, /wc/…/join, /wc/join/…
var inLink = regexp.MustCompile(`/(?:j|s|w|wc|wc/join)/(\d{9,11})(?:[/?#]|$)`)

// parseMeeting reads a meeting number, also as people write it, or a join link.
func parseMeeting(args []string) (zoom.MeetingID, error) {
	arg := strings.Join(args, "")
	if !strings.Contains(arg, "/") {
		return zoom.ParseMeetingID(arg)
	}
	m := inLink.FindStringSubmatch(arg)
	if m == nil {
		return 0, errors.New("the link names no meeting number: want …/j/<9 to 11 digits>; a personal link (…/my/name) does not hold it")
	}
	return zoom.ParseMeetingID(m[1])
}

func explainCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "explain <meeting id or join link>",
		Short: "Say in one sentence whether a meeting asks for a passcode and why; then the evidence",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := parseMeeting(args)
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
				if asJSON {
					return json.NewEncoder(cmd.OutOrStdout()).Encode(explained(story))
				}
				explain(cmd.OutOrStdout(), story)
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// explanation is the story as JSON. It holds no passcode.
type explanation struct {
	MeetingID string                `json:"meeting_id"`
	AccountID string                `json:"account_id"`
	HostID    string                `json:"host_id,omitempty"`
	HostEmail string                `json:"host_email,omitempty"`
	Topic     string                `json:"topic,omitempty"`
	Status    passcode.Status       `json:"status"`
	Start     time.Time             `json:"start_time,omitzero"`
	Outcome   passcode.Outcome      `json:"outcome,omitempty"`
	Remedy    passcode.Remedy       `json:"remedy,omitempty"`
	Why       string                `json:"why"`
	Reasons   []passcode.Reason     `json:"reasons"`
	Channels  passcode.Channels     `json:"channels"`
	Known     bool                  `json:"passcode_known"`
	Passcode  passcode.Toggle       `json:"passcode"`
	Room      passcode.Toggle       `json:"waiting_room"`
	Auth      passcode.Toggle       `json:"authentication"`
	Observed  time.Time             `json:"observed_at,omitzero"`
	Decided   time.Time             `json:"decided_at,omitzero"`
	Since     time.Time             `json:"demanding_since,omitzero"`
	Due       time.Time             `json:"due_at,omitzero"`
	DueWhy    string                `json:"due_why,omitempty"`
	Trouble   string                `json:"last_error,omitempty"`
	Repairs   []store.Repair        `json:"repairs"`
	History   []store.PastVerdict   `json:"history"`
	Changes   []store.SettingChange `json:"setting_changes"`
}

func explained(s store.Story) explanation {
	m := s.Meeting
	e := explanation{MeetingID: fmt.Sprint(m.ID), AccountID: m.AccountID, HostID: m.HostID, HostEmail: s.Host.Email, Topic: m.Topic, Status: m.Status,
		Start: m.Start, Outcome: m.Outcome, Remedy: m.Remedy, Why: m.Why, Reasons: m.Reasons, Channels: channelsOf(s), Known: m.PasscodeReadable,
		Passcode: m.Passcode, Room: m.WaitingRoom, Auth: m.Authentication, Observed: m.ObservedAt, Decided: m.DecidedAt, Since: m.DemandingSince,
		Due: m.DueAt, Trouble: m.LastError, Repairs: s.Repairs, History: s.History, Changes: s.Changes}
	if !m.DueAt.IsZero() {
		e.DueWhy = m.DueWhy
	}
	return e
}

// channelsOf says what each way of joining asks for, from what was last seen.
func channelsOf(s store.Story) passcode.Channels {
	m := s.Meeting
	f := passcode.Facts{Meeting: passcode.Meeting{Type: passcode.MeetingType(m.Type), Status: m.Status, Passcode: m.Passcode,
		Authentication: m.Authentication, LinkHasPasscode: m.LinkHasPasscode, PhonePasscode: m.PhonePasscode}}
	f.Host.Phone.Value, f.Host.WebClient.Value = s.Host.Settings.Phone, s.Host.Settings.WebClient
	return passcode.Evaluate(f, passcode.Policy{Mode: passcode.ModeObserve}, time.Now()).Channels
}

func passcodeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "passcode <meeting id>",
		Short: "Print the passcode that Zoom insists on, to pass to ZoomMtg.join({passWord})",
		Long: "Prints the passcode of a meeting on standard output, and nothing else there. A meeting that has\n" +
			"none prints an empty line, which is what ZoomMtg.join wants then.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := parseMeeting(args)
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
	if m.Outcome != "" && m.Outcome != passcode.OutcomeUnknown {
		fmt.Fprintf(w, "joining   %s\n", channelsOf(s).Sentence())
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
		fmt.Fprintln(w, "\nchanges of the settings that hold for the host, newest first")
	}
	for _, c := range s.Changes {
		setting := c.Setting
		if c.What == store.ChangedLock {
			setting = "lock on " + setting
		}
		if c.Level != passcode.LevelHost {
			setting += " of " + string(c.Level) + " " + c.LevelID
		}
		fmt.Fprintf(w, "  %s  %s %s -> %s by %s\n", clock(c.ChangedAt), setting, c.Old, c.New, orUnknown(c.ChangedBy))
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

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"latchkey/internal/admin"
	"latchkey/internal/lint"
	"latchkey/internal/passcode"
	"latchkey/internal/store"
)

// lintFindings is lint's exit status where something is to be sent otherwise.
const lintFindings exitStatus = 2

func lintCommand() *cobra.Command {
	var asJSON bool
	var host, account string
	cmd := &cobra.Command{
		Use:   "lint [FILE]",
		Short: "Say what Zoom makes of the JSON body that creates a meeting, and what to send instead",
		Long: "Reads the JSON body that is sent to create a meeting (POST /users/{userId}/meetings) from FILE or\n" +
			"standard input and says what Zoom will make of it and what to send instead. It calls nobody, and\n" +
			"without --host it needs no database. A passcode in the body is never shown.\n\n" +
			"Exit status: 0 when nothing is to be sent otherwise, 1 when the body cannot be judged, 2 when there\n" +
			"are findings. With --host a passcode that no request for this host avoids is a finding, too.\n" +
			"docs/creating-meetings.md says what to send; docs/zoom-facts.md has the facts that are cited.",
		Example: "  latchkey lint body.json\n  echo '{\"type\":2,\"settings\":{\"waiting_room\":true}}' | latchkey lint\n  latchkey lint --host host@example.com body.json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			body, err := readBody(cmd.InOrStdin(), args)
			if err != nil {
				return err
			}
			if !cmd.Flags().Changed("host") {
				if account != "" {
					return errors.New("--account says whose --host is meant: want --host too")
				}
				return lintBody(cmd.OutOrStdout(), body, nil, asJSON)
			}
			if _, err := lint.Judge(body, nil); err != nil {
				return err // before any database is asked
			}
			return withStore(cmd, func(ctx context.Context, s *store.Store) error {
				h, settings, err := admin.HostSettings(ctx, s, account, host)
				if err != nil {
					return err
				}
				if h.ForecastWhy == "" {
					return fmt.Errorf("host %s has not been read from Zoom yet; last error: %s", host, cmp.Or(h.LastError, "none"))
				}
				if !h.CanHost {
					return fmt.Errorf("host %s: %s", host, passcode.Forecast{CannotHost: true}.Sentence())
				}
				return lintBody(cmd.OutOrStdout(), body, &lint.Host{Names: []string{h.ID, h.Email}, Host: settings}, asJSON)
			})
		},
	}
	f := cmd.Flags()
	f.BoolVar(&asJSON, "json", false, "print the findings and predictions as JSON")
	f.StringVar(&host, "host", "", "predict for this host, by e-mail or id, from the settings that latchkey recorded")
	f.StringVar(&account, "account", "", "the account of the host, where several know one of that id or address")
	return cmd
}

// readBody reads no more than it takes to see that a body is too large.
func readBody(in io.Reader, args []string) ([]byte, error) {
	if len(args) == 1 && args[0] != "-" {
		f, err := os.Open(args[0])
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	return io.ReadAll(io.LimitReader(in, lint.MaxBody+1))
}

func lintBody(out io.Writer, body []byte, h *lint.Host, asJSON bool) error {
	r, err := lint.Judge(body, h)
	if err != nil {
		return err
	}
	if asJSON {
		enc := json.NewEncoder(out)
		enc.SetEscapeHTML(false)
		err = enc.Encode(r)
	} else {
		_, err = io.WriteString(out, lintText(r))
	}
	if err == nil && len(r.Findings) > 0 {
		err = lintFindings
	}
	return err
}

// lintText is a report as a person reads it.
func lintText(r lint.Report) string {
	var b strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "%s  %s%s\n  %s\n  %s\n", f.Path, f.Code, factWords(f), f.Says, f.Send)
	}
	if len(r.Findings) == 0 {
		b.WriteString("Nothing in this body is to be sent otherwise.\n")
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "%s  note: %s%s\n  %s\n", n.Path, n.Code, factWords(n), n.Says)
	}
	hosts := fmt.Sprintf("by the host's setting %q\n(sign-in, waiting room and all else of the host's off and not locked)", passcode.KeyPasscode.Info().Portal)
	if len(r.Predictions) == 1 {
		hosts = "for this host, by the settings that were last read"
	}
	fmt.Fprintf(&b, "\nWhat Zoom makes of it, %s:\n", hosts)
	if len(r.Unpredictable) > 0 {
		fmt.Fprintf(&b, "  as it is   cannot be told, because of %s\n", strings.Join(r.Unpredictable, ", "))
	}
	for _, p := range r.Predictions {
		if p.AsSent != nil {
			fmt.Fprintf(&b, "  %-10s %s\n", p.Setting, predictionWords(*p.AsSent))
		}
	}
	if len(r.Findings) == 0 {
		return b.String()
	}
	text, _ := json.Marshal(r.Body) // booleans and one number: cannot fail
	own := ""
	if r.OwnPassword {
		own = ", and with a password of yours, which is never shown here"
	}
	fmt.Fprintf(&b, "\nSend, with all else as it is in your body%s:\n  %s\nand Zoom makes of that:\n", own, text)
	for _, p := range r.Predictions {
		fmt.Fprintf(&b, "  %-10s %s\n", p.Setting, predictionWords(p.Corrected))
	}
	return b.String()
}

func factWords(f lint.Finding) string {
	if len(f.Facts) == 0 {
		return ""
	}
	return " (" + strings.Join(f.Facts, ", ") + ")"
}

func predictionWords(p passcode.Prediction) string {
	switch p.Sure {
	case passcode.SureDisputed:
		return "disputed: " + saidWords(p.Said) + "; or, by Zoom's older document, " + saidWords(p.Older)
	case passcode.SureMeasured:
		return saidWords(p.Said) + ", as was tried on this account"
	}
	return saidWords(p.Said)
}

func saidWords(s passcode.Said) string {
	words := map[passcode.Toggle]string{passcode.On: "on", passcode.Off: "off", passcode.Unknown: "not to be told"}
	pass := map[passcode.Source]string{
		passcode.SourceNone:      "no passcode",
		passcode.SourceGiven:     "the passcode that is given",
		passcode.SourceKept:      "the passcode of the personal meeting id",
		passcode.SourceGenerated: "a generated passcode",
	}[s.Source]
	return cmp.Or(pass, "whether there is a passcode cannot be told") + ", waiting room " + words[s.WaitingRoom] + ", sign-in " + words[s.Authentication]
}

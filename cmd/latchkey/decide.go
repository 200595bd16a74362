package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"latchkey/internal/passcode"
)

func decideCommand() *cobra.Command {
	var schema bool
	cmd := &cobra.Command{
		Use:   "decide",
		Short: "Read facts as JSON on standard input and print the verdict: no database, no network",
		Long: "Reads one JSON object, or one a line, and prints a verdict for each, one a line, in the same order.\n" +
			"docs/decide.md describes both; `latchkey decide --schema` prints the input's JSON Schema.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if schema {
				_, err := io.WriteString(cmd.OutOrStdout(), decideSchema)
				return err
			}
			return decide(cmd.InOrStdin(), cmd.OutOrStdout(), time.Now())
		},
	}
	cmd.Flags().BoolVar(&schema, "schema", false, "print the JSON Schema of the input")
	return cmd
}

//go:embed decide.schema.json
var decideSchema string

// decideInput is one case.
type decideInput struct {
	passcode.Facts
	Policy *passcode.Policy `json:"policy"`
	Now    time.Time        `json:"now"`
	// Request asks in addition what Zoom would make of it.
	Request *passcode.Request `json:"request"`
}

// decideOutput is one verdict.
type decideOutput struct {
	Outcome    passcode.Outcome     `json:"outcome"`
	Remedy     passcode.Remedy      `json:"remedy"`
	Why        string               `json:"why"`
	Reasons    []passcode.Reason    `json:"reasons"`
	Channels   passcode.Channels    `json:"channels"`
	Would      passcode.Remedy      `json:"would,omitempty"`
	Missing    []string             `json:"missing,omitempty"`
	DeferUntil *time.Time           `json:"defer_until,omitempty"`
	Prediction *passcode.Prediction `json:"prediction,omitempty"`
	Forecast   passcode.Forecast    `json:"forecast"`
}

// maxFacts caps one case.
const maxFacts = 1 << 20

func decide(in io.Reader, out io.Writer, now time.Time) error {
	dec := json.NewDecoder(in)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for n := 1; ; n++ {
		var raw json.RawMessage
		err := dec.Decode(&raw)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("case %d is not JSON: %w", n, err)
		case len(raw) > maxFacts:
			return fmt.Errorf("case %d is larger than 1 MiB", n)
		}
		v, err := decideOne(raw, now)
		if err != nil {
			return fmt.Errorf("case %d: %w; `latchkey decide --schema` says what is expected", n, err)
		}
		if err := enc.Encode(v); err != nil {
			return err
		}
	}
}

// checkWords holds the words that are plain strings to their closed sets: a plan
// that is misspelt must not pass for one that forces nothing.
func (in decideInput) checkWords() error {
	h := in.Host
	err := errors.Join(
		oneOf("meeting.status", in.Meeting.Status, passcode.Statuses()...),
		oneOf("host.plan", h.Plan, passcode.PlanFree, passcode.PlanProSingleHost, passcode.PlanPaid))
	for _, s := range h.Settings {
		err = errors.Join(err, oneOf("a setting's level", s.LockLevel, passcode.LevelGroup, passcode.LevelAccount))
	}
	if in.Policy != nil {
		err = errors.Join(err, oneOf("policy.source", in.Policy.Source, passcode.Sources()...))
	}
	return err
}

// oneOf accepts the words, and none at all.
func oneOf[T ~string](what string, got T, words ...T) error {
	if got == "" || slices.Contains(words, got) {
		return nil
	}
	return fmt.Errorf("%s %q: want one of %q", what, string(got), words)
}

func decideOne(raw []byte, now time.Time) (decideOutput, error) {
	strict := json.NewDecoder(bytes.NewReader(raw))
	strict.DisallowUnknownFields()
	in := decideInput{Now: now}
	if err := strict.Decode(&in); err != nil {
		return decideOutput{}, err
	}
	var has struct{ Meeting json.RawMessage }
	if err := json.Unmarshal(raw, &has); err != nil || len(has.Meeting) == 0 {
		return decideOutput{}, errors.New(`"meeting" is missing`)
	}
	if err := in.checkWords(); err != nil {
		return decideOutput{}, err
	}
	policy := passcode.Policy{Mode: passcode.ModeWaitingRoom}
	if in.Policy != nil {
		policy = *in.Policy
		if _, err := passcode.ParseMode(string(policy.Mode)); err != nil {
			return decideOutput{}, err
		}
	}
	v := passcode.Evaluate(in.Facts, policy, in.Now)
	out := decideOutput{Outcome: v.Outcome, Remedy: v.Remedy, Would: v.Would, Why: v.Sentence(), Reasons: v.Reasons, Channels: v.Channels,
		Missing: v.Missing.Words(), Forecast: passcode.ForecastFor(in.Host)}
	if out.Reasons == nil {
		out.Reasons = []passcode.Reason{}
	}
	if !v.DeferUntil.IsZero() {
		out.DeferUntil = &v.DeferUntil
	}
	if in.Request != nil {
		m := in.Meeting
		p := passcode.Predict(in.Host, *in.Request, passcode.Options{Passcode: m.Passcode, WaitingRoom: m.WaitingRoom, Authentication: m.Authentication})
		out.Prediction = &p
	}
	return out, nil
}

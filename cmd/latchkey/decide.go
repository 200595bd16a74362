package main

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/spf13/cobra"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

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
	// Versus are the facts of a second meeting, or host, to compare with.
	Versus *passcode.Facts `json:"versus"`
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
	Versus     *passcode.Comparison `json:"versus,omitempty"`
	Forecast   passcode.Forecast    `json:"forecast"`
}

// maxFacts caps one case.
const maxFacts = 1 << 20

func decide(in io.Reader, out io.Writer, now time.Time) error {
	// Some editors begin a file with a byte order mark.
	text := bufio.NewReader(in)
	if mark, _ := text.Peek(3); string(mark) == "\ufeff" {
		_, _ = text.Discard(3)
	}
	dec := json.NewDecoder(text)
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

// decideRules is the schema, which says what a case may hold: exact names, no
// nulls but where one means something, words of closed sets, numbers within
// bounds.
var decideRules = sync.OnceValue(func() *jsonschema.Schema {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(decideSchema))
	if err != nil {
		panic("decide.schema.json: " + err.Error())
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	c.RegisterFormat(&moment)
	if err := c.AddResource("decide", doc); err != nil {
		panic("decide.schema.json: " + err.Error())
	}
	return c.MustCompile("decide")
})

// moment is stricter than RFC 3339, which has leap seconds: no time of ours can
// hold one.
var moment = jsonschema.Format{Name: "date-time", Validate: func(v any) error {
	if s, ok := v.(string); ok {
		if _, err := time.Parse(time.RFC3339, s); err != nil {
			return errors.New("want a time such as 2026-11-23T12:00:00Z")
		}
	}
	return nil
}}

// check says everything that is wrong with a case, each with its JSON path.
func check(raw []byte) error {
	if path, twice := duplicate(raw); twice {
		return fmt.Errorf("%s is there twice", path)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	err = decideRules().Validate(v)
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return err
	}
	var all []string
	var collect func(*jsonschema.ValidationError)
	collect = func(e *jsonschema.ValidationError) {
		if len(e.Causes) == 0 {
			all = append(all, jsonPath(e.InstanceLocation)+": "+e.ErrorKind.LocalizedString(message.NewPrinter(language.English)))
		}
		for _, c := range e.Causes {
			collect(c)
		}
	}
	collect(invalid)
	slices.Sort(all)
	return errors.New(strings.Join(all, "; "))
}

// plain says what the schema lets through and no field can hold, without naming
// Go's types: 2.0 is a whole number to the schema.
func plain(err error) error {
	var typ *json.UnmarshalTypeError
	if errors.As(err, &typ) {
		return fmt.Errorf("%s: %s is not a whole number: want one written without a point or an exponent", jsonPath(strings.Split(strings.ReplaceAll(typ.Field, "Facts.", ""), ".")), typ.Value)
	}
	var when *time.ParseError
	if errors.As(err, &when) {
		return fmt.Errorf("%s is no time: want one such as 2026-11-23T12:00:00Z", when.Value)
	}
	return err
}

// deepest bounds the nesting of a case, which has four levels.
const deepest = 16

func jsonPath(at []string) string { return strings.Join(append([]string{"$"}, at...), ".") }

// duplicate finds a key that is in one object twice: which of the two holds would
// be the reader's guess.
func duplicate(raw []byte) (path string, twice bool) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	var walk func(at []string) (string, bool)
	walk = func(at []string) (string, bool) {
		t, err := dec.Token()
		if err != nil {
			return "", false
		}
		open, isDelim := t.(json.Delim)
		if !isDelim || len(at) > deepest {
			return "", false
		}
		seen := map[string]bool{}
		for i := 0; dec.More(); i++ {
			name := strconv.Itoa(i)
			if open == '{' {
				key, err := dec.Token()
				if err != nil {
					return "", false
				}
				name, _ = key.(string)
				if seen[name] {
					return jsonPath(append(slices.Clone(at), name)), true
				}
				seen[name] = true
			}
			if path, twice := walk(append(slices.Clone(at), name)); twice {
				return path, true
			}
		}
		_, _ = dec.Token()
		return "", false
	}
	return walk(nil)
}

// side is one of two meetings that are compared, with its verdict.
func side(name string, f passcode.Facts, v passcode.Verdict) passcode.Side {
	return passcode.Side{Name: name, Facts: f, Asks: f.Meeting.Passcode, Why: v.Reasons}
}

func decideOne(raw []byte, now time.Time) (decideOutput, error) {
	if err := check(raw); err != nil {
		return decideOutput{}, err
	}
	in := decideInput{Now: now}
	if err := json.Unmarshal(raw, &in); err != nil {
		return decideOutput{}, plain(err)
	}
	policy := passcode.Policy{Mode: passcode.ModeWaitingRoom}
	if in.Policy != nil {
		policy = *in.Policy
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
	if in.Versus != nil {
		c := passcode.Versus(side("the first meeting", in.Facts, v), side("the second", *in.Versus, passcode.Evaluate(*in.Versus, policy, in.Now)))
		out.Versus = &c
	}
	if in.Request != nil {
		p := passcode.PredictMeeting(in.Host, in.Meeting, *in.Request)
		out.Prediction = &p
	}
	return out, nil
}

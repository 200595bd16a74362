package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"latchkey/internal/store"
)

func listCommand() *cobra.Command {
	var account string
	var limit int
	var asJSON, asCSV bool
	names := store.Listings()
	slices.Sort(names)
	cmd := &cobra.Command{
		Use:   "list " + strings.Join(names, "|"),
		Short: "List meetings, hosts, repairs and more, the most urgent first",
		Long: "demanding   meetings whose joiners are asked for a passcode, and why\n" +
			"unfixable   of those, the ones that keep it, with the setting in the way\n" +
			"open        meetings that nothing secures\n" +
			"deferred    repairs that wait for the host's next day\n" +
			"repairs     what latchkey changed in the last seven days\n" +
			"hosts       what each host's next meetings will be like\n" +
			"changes     who changed which setting\n" +
			"accounts, groups, troubles, sweeps, budget, silence\n\n" +
			"A long text is cut to the width of 160 characters a line; --json and --csv have all of it.",
		Example:   "  latchkey list demanding\n  latchkey list unfixable --csv > unfixable.csv",
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: names,
		RunE: func(cmd *cobra.Command, args []string) error {
			if limit < 1 {
				return errors.New("--limit: want a number above 0")
			}
			return withStore(cmd, func(ctx context.Context, s *store.Store) error {
				l, err := s.List(ctx, args[0], account, limit+1)
				if err != nil {
					return err
				}
				more := len(l.Rows) > limit
				l.Rows = l.Rows[:min(len(l.Rows), limit)]
				out := cmd.OutOrStdout()
				switch {
				case asJSON:
					err = listJSON(out, l)
				case asCSV:
					err = listCSV(out, l)
				default:
					err = listText(out, l)
				}
				if more {
					fmt.Fprintf(cmd.ErrOrStderr(), "there are more than %d: --limit shows them\n", limit)
				}
				return err
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&account, "account", "", "of this account alone")
	f.IntVar(&limit, "limit", 200, "how many at most")
	f.BoolVar(&asJSON, "json", false, "print a JSON array of objects")
	f.BoolVar(&asCSV, "csv", false, "print CSV with a header line")
	cmd.MarkFlagsMutuallyExclusive("json", "csv")
	return cmd
}

func listJSON(out io.Writer, l store.Listing) error {
	all := make([]map[string]any, 0, len(l.Rows))
	for _, row := range l.Rows {
		o := map[string]any{}
		for i, c := range l.Columns {
			o[c] = row[i]
		}
		all = append(all, o)
	}
	return json.NewEncoder(out).Encode(all)
}

func listCSV(out io.Writer, l store.Listing) error {
	w := csv.NewWriter(out)
	if err := w.Write(l.Columns); err != nil {
		return err
	}
	for _, row := range l.Rows {
		line := make([]string, len(row))
		for i, v := range row {
			// What a spreadsheet would take for a formula is text.
			if line[i] = cellText(v, time.RFC3339); line[i] != "" && strings.ContainsAny(line[i][:1], "=+@\t\r") || strings.HasPrefix(line[i], "-") {
				line[i] = "'" + line[i]
			}
		}
		if err := w.Write(line); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// lineWidth is how wide a line for people may be, its last column cut.
const lineWidth = 160

func listText(out io.Writer, l store.Listing) error {
	if len(l.Rows) == 0 {
		_, err := fmt.Fprintln(out, "none")
		return err
	}
	// The sentence comes last, and ids that people do not read are left out.
	var show []int
	why := slices.Index(l.Columns, "why")
	for i, c := range l.Columns {
		if i != why && (c != "host_id" || !slices.Contains(l.Columns, "host_email") && !slices.Contains(l.Columns, "email")) && c != "topic" {
			show = append(show, i)
		}
	}
	if why >= 0 {
		show = append(show, why)
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 4, 2, ' ', 0)
	line := func(cell func(i int) string) {
		cells := make([]string, len(show))
		for n, i := range show {
			cells[n] = strings.Map(func(r rune) rune {
				if r == '\t' || r == '\n' || r == '\v' || r == '\f' {
					return ' '
				}
				return r
			}, cell(i))
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	line(func(i int) string { return strings.ToUpper(strings.ReplaceAll(l.Columns[i], "_", " ")) })
	for _, row := range l.Rows {
		line(func(i int) string { return cellText(row[i], "2006-01-02 15:04Z") })
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for text := range strings.Lines(b.String()) {
		text = strings.TrimRight(text, " \n")
		if utf8.RuneCountInString(text) > lineWidth {
			text = string([]rune(text)[:lineWidth-1]) + "…"
		}
		if _, err := fmt.Fprintln(out, text); err != nil {
			return err
		}
	}
	return nil
}

// cellText is a value for people, in one line.
func cellText(v any, layout string) string {
	switch v := v.(type) {
	case nil:
		return ""
	case time.Time:
		return v.Format(layout)
	case bool:
		if v {
			return "yes"
		}
		return "no"
	}
	return fmt.Sprint(v)
}

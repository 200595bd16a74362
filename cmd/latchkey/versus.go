package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"latchkey/internal/admin"
	"latchkey/internal/invite"
	"latchkey/internal/passcode"
	"latchkey/internal/store"
)

// versus compares two meetings, by anything that names them, or two hosts.
func versus(ctx context.Context, s *store.Store, out io.Writer, account, a, b string, asJSON bool) error {
	var sides [2]passcode.Side
	for i, arg := range []string{a, b} {
		in, err := invite.Read(arg)
		switch {
		case err == nil:
			sides[i], err = admin.MeetingSide(ctx, s, account, in.Number)
		case strings.Contains(arg, "/") || strings.TrimLeft(arg, "0123456789 -") == "":
			return err
		default:
			sides[i], err = admin.HostSide(ctx, s, account, arg)
		}
		if err != nil {
			return err
		}
	}
	c := passcode.Versus(sides[0], sides[1])
	if asJSON {
		return json.NewEncoder(out).Encode(c)
	}
	fmt.Fprintln(out, c.Sentence)
	if len(c.Decisive) > 0 {
		fmt.Fprintln(out, "\nwhat differs and can decide")
		t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		for _, d := range c.Decisive {
			fmt.Fprintf(t, "  %s\t%s: %s\t%s: %s\n", d.What, sides[0].Name, d.A, sides[1].Name, d.B)
		}
		t.Flush()
	}
	if c.Others > 0 {
		fmt.Fprintf(out, "\n%d other things differ that do not decide.\n", c.Others)
	}
	return nil
}

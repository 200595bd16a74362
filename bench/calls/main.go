// Command calls counts what latchkey's work costs in calls to Zoom, case by case, beside
// what the script costs that people write today, and exits with 1 where a case costs
// more than its target. Everything but Zoom is the real thing; nothing leaves loopback.
//
// `make bench-calls` runs it; docs/performance.md holds the figures.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"
)

func main() {
	only := flag.Int("case", 0, "run this case alone; 0: all")
	hosts := flag.Int("hosts", 1000, "hosts of the group whose lock flips")
	burst := flag.Int("burst", 1000, "meetings of the burst")
	verbose := flag.Bool("v", false, "print every call")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, 15*time.Minute)
	defer cancel()
	missed, err := run(ctx, cases(*hosts, *burst), *only, *verbose)
	if err != nil {
		fmt.Fprintln(os.Stderr, "calls:", err)
		os.Exit(2)
	}
	if missed > 0 {
		fmt.Printf("\n%d of the targets missed\n", missed)
		os.Exit(1)
	}
}

func run(ctx context.Context, all []benchCase, only int, verbose bool) (missed int, err error) {
	fmt.Printf("%-58s %-9s %-9s %-9s\n", "case", "latchkey", "target", "a script")
	for i, c := range all {
		if only != 0 && only != i+1 {
			continue
		}
		ours, err := measure(ctx, c, latchkey, verbose)
		if err != nil {
			return missed, fmt.Errorf("%s: %w", c.name, err)
		}
		script := "-"
		if c.naive {
			theirs, err := measure(ctx, c, naive, false)
			if err != nil {
				return missed, fmt.Errorf("%s, by a script: %w", c.name, err)
			}
			script = fmt.Sprint(theirs.calls)
		}
		most := c.most(ours)
		verdict := "ok"
		if ours.calls > most || ours.problem != "" {
			verdict, missed = "MISSED "+ours.problem, missed+1
		}
		fmt.Printf("%-58s %-9d %-9d %-9s %s\n    %s\n", c.name, ours.calls, most, script, verdict, ours.routes)
	}
	return missed, nil
}

// Command cmd is the chaos run of `make chaos`; docs/reliability.md describes it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"latchkey/internal/chaos"
)

func main() {
	o := chaos.Options{Out: os.Stdout}
	flag.Uint64Var(&o.Seed, "seed", uint64(time.Now().UnixNano())%1e9, "seed of the plan; the same seed does the same to the same processes")
	flag.IntVar(&o.Rounds, "rounds", 30, "rounds of one to three faults, from 1 to 1000")
	flag.DurationVar(&o.Settle, "settle", 2*time.Minute, "how long to wait for the end state")
	flag.BoolVar(&o.Keep, "keep", false, "keep the logs also when nothing is wrong")
	flag.Parse()
	if flag.NArg() > 0 || o.Rounds < 1 || o.Rounds > 1000 {
		flag.Usage()
		os.Exit(2)
	}
	os.Exit(run(o))
}

// mostShown bounds how many problems are printed.
const mostShown = 40

// run returns the exit status: 0 when nothing was lost, 1 when something was, 2 when
// the run itself failed.
func run(o chaos.Options) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	rep, err := chaos.Run(ctx, o)
	if err != nil {
		fmt.Fprintf(os.Stderr, "chaos: seed %d: the run itself failed: %v\n", o.Seed, err)
		return 2
	}
	for i, p := range rep.Problems {
		if i == mostShown {
			fmt.Printf("problem: … and %d more\n", len(rep.Problems)-i)
			break
		}
		fmt.Printf("problem: %s\n", p)
	}
	fmt.Println("done: " + rep.ByKind())
	fmt.Println(rep.Verdict())
	if len(rep.Problems) > 0 {
		return 1
	}
	return 0
}

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"latchkey/internal/admin"
	"latchkey/internal/config"
	"latchkey/internal/store"
)

type sweepFlags struct {
	account, group, host              string
	dryRun, detach, stop, report, raw bool
}

func sweepCommand() *cobra.Command {
	var f sweepFlags
	cmd := &cobra.Command{
		Use:   "sweep [--group NAME | --host E-MAIL]",
		Short: "Have the workers read all hosts and their upcoming meetings again now, and say what was found",
		Long: "The workers read each host's settings and upcoming meetings again, those first whose meetings\n" +
			"start soonest, within what is left of the day's calls (LATCHKEY_SWEEP_CALLS); users whom no\n" +
			"event mentioned are found too. What is found is repaired as the policy says: under policy\n" +
			"observe nothing is. The command shows how far they are and ends with a report. It may be\n" +
			"stopped at any time (Ctrl-C) and begun again: the workers go on, until --stop.\n\n" +
			"The same happens by itself every LATCHKEY_SWEEP; this is for now and for the first time.",
		Example: "  latchkey sweep --dry-run\n  latchkey sweep --group Sales\n  latchkey sweep --report",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, name := range []string{"account", "group", "host"} {
				if flag := cmd.Flags().Lookup(name); flag.Changed && strings.TrimSpace(flag.Value.String()) == "" {
					return fmt.Errorf("--%s is empty: that would be everybody; leave it out if that is meant", name)
				}
			}
			url, err := databaseURL()
			if err != nil {
				return err
			}
			s, err := store.Open(url)
			if err != nil {
				return err
			}
			defer s.Close()
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return sweep(ctx, cmd.OutOrStdout(), cmd.ErrOrStderr(), s, f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.account, "account", "", "the account, where several are known")
	flags.StringVar(&f.group, "group", "", "the hosts of this group alone, by name or id")
	flags.StringVar(&f.host, "host", "", "this host alone, by e-mail or id")
	flags.BoolVar(&f.dryRun, "dry-run", false, "say what would be read, what it costs and how long it takes; nothing is read")
	flags.BoolVar(&f.detach, "detach", false, "ask for it and do not wait")
	flags.BoolVar(&f.stop, "stop", false, "end what was asked for of the account")
	flags.BoolVar(&f.report, "report", false, "print the report alone, of what is known now")
	flags.BoolVar(&f.raw, "json", false, "print JSON")
	cmd.MarkFlagsMutuallyExclusive("group", "host")
	cmd.MarkFlagsMutuallyExclusive("dry-run", "detach", "stop", "report")
	for _, whole := range []string{"stop", "report"} { // they are of the account
		cmd.MarkFlagsMutuallyExclusive(whole, "group")
		cmd.MarkFlagsMutuallyExclusive(whole, "host")
	}
	return cmd
}

func sweep(ctx context.Context, out, progress io.Writer, s *store.Store, f sweepFlags) error {
	short, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	t, err := admin.SweepTarget(short, s, f.account, f.group, f.host)
	switch {
	case err != nil:
		return err
	case f.stop:
		n, err := s.StopSweeps(short, t.AccountID)
		if err == nil {
			fmt.Fprintf(out, "stopped of account %[2]s: %[1]d; what was marked by then is read all the same\n", n, t.AccountID)
		}
		return err
	case f.report:
		return printRisks(short, out, s, t.AccountID, f.raw, store.Progress{})
	case f.dryRun:
		return printCost(short, out, s, t, f.raw)
	}
	r, joined, err := s.AskSweep(short, t.AccountID, t.Level, t.ID)
	if err != nil {
		return err
	}
	if joined {
		fmt.Fprintf(progress, "a sweep of %s is under way since %s; this is how far it is\n", t.Name, clock(r.BeganAt))
	}
	if f.detach {
		fmt.Fprintf(out, "the workers sweep %s; `latchkey sweep` shows how far they are\n", t.Name)
		return nil
	}
	p, err := follow(ctx, progress, s, r.ID, t.Name)
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		fmt.Fprintln(progress, "\nthe workers go on; `latchkey sweep` shows how far they are, `latchkey sweep --stop` ends it")
		return exitStatus(130)
	}
	if !f.raw {
		fmt.Fprintln(out, sweptWords(t, p))
	}
	return printRisks(context.WithoutCancel(ctx), out, s, t.AccountID, f.raw, p)
}

func sweptWords(t admin.Target, p store.Progress) string {
	did := "swept"
	if p.Stopped {
		did = "stopped"
	}
	s := fmt.Sprintf("%s: %s, %s, %s, in %s.", t.Name, did, admin.Counted(p.Hosts, "host"), admin.Counted(p.Calls, "call"), p.EndedAt.Sub(p.BeganAt).Round(time.Second))
	if p.Failed > 0 {
		s += fmt.Sprintf(" %s could not be read and will be tried again.", admin.Counted(p.Failed, "host or meeting"))
	}
	if p.UsersWhy != "" {
		s += " Users whom no event mentioned could not be listed: " + p.UsersWhy + "."
	}
	return s
}

// followEvery is how often it is looked how far a sweep is; sayEvery, how often that is
// said where no bar can be shown.
const (
	followEvery = 500 * time.Millisecond
	sayEvery    = 10 * time.Second
	idleFor     = 30 * time.Second
)

// follow shows how far a sweep is until it ends or ctx does.
func follow(ctx context.Context, w io.Writer, s *store.Store, id int64, name string) (p store.Progress, err error) {
	file, isFile := w.(*os.File)
	terminal := isFile && isatty.IsTerminal(file.Fd())
	bar := progressbar.NewOptions(1, progressbar.OptionSetWriter(w), progressbar.OptionSetVisibility(terminal), progressbar.OptionSetWidth(24),
		progressbar.OptionSetDescription(name), progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish(), progressbar.OptionUseANSICodes(false))
	var said, moved time.Time
	before := -1
	for ctx.Err() == nil {
		look, cancel := context.WithTimeout(ctx, 20*time.Second)
		p, err = s.RoundProgress(look, id)
		cancel()
		switch {
		case err != nil && ctx.Err() != nil:
			return p, nil
		case err != nil && store.Unavailable(err):
			if terminal || time.Since(said) >= sayEvery {
				said = time.Now()
				fmt.Fprintf(w, "the database does not answer; the workers go on when it does: %v\n", err)
			}
			pause(ctx, 4*followEvery)
			continue
		case err != nil:
			return p, err
		}
		if !p.EndedAt.IsZero() {
			return p, bar.Clear()
		}
		done := p.Done()
		if total := max(1, done+p.CallsToCome); total != bar.GetMax() {
			bar.ChangeMax(total)
		}
		_ = bar.Set(done)
		if done != before {
			before, moved = done, time.Now()
		}
		words := howFar(p, time.Since(moved))
		bar.Describe(words)
		if !terminal && time.Since(said) >= sayEvery {
			said = time.Now()
			fmt.Fprintf(w, "%s: %d of about %d calls; %s\n", name, done, done+p.CallsToCome, words)
		}
		pause(ctx, followEvery)
	}
	return p, nil
}

// howFar says it in words, and what it waits for.
func howFar(p store.Progress, idle time.Duration) string {
	s := fmt.Sprintf("%d of %d hosts", min(p.Hosts-min(p.Hosts, p.HostsWaiting), p.AllHosts), p.AllHosts)
	switch left := p.Budget - p.SpentToday; {
	case p.Budget < 0:
		return s + ", no worker has taken it up yet"
	case p.Budget > 0 && left <= 0 && p.MarkedAt.IsZero():
		return fmt.Sprintf("%s, today's %d calls are spent: it goes on at 00:00 UTC", s, p.Budget)
	case idle > idleFor:
		return s + ", nothing moves: is a worker running, and does Zoom answer?"
	case p.Budget > 0:
		return fmt.Sprintf("%s, %d calls left today", s, left)
	}
	return s
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

func printCost(ctx context.Context, out io.Writer, s *store.Store, t admin.Target, raw bool) error {
	c, err := config.Load(withSecrets(pick([]string{"DATABASE_URL=postgres://unused/unused"}, append([]string{"LATCHKEY_ZOOM_SHARE"}, policyKeys...)...)), config.Admin)
	if err != nil {
		return err
	}
	plan := c.Plan
	for _, a := range c.AllAccounts() {
		if a.ID == t.AccountID && a.Plan != "" {
			plan = a.Plan
		}
	}
	cost, err := admin.CostOfSweep(ctx, s, t, plan, c.ZoomShare)
	if err != nil {
		return err
	}
	if raw {
		return json.NewEncoder(out).Encode(map[string]any{"hosts": cost.Hosts, "meetings": cost.Meetings, "calls": cost.Calls, "budget": cost.Budget, "spent_today": cost.SpentToday, "days": cost.Days, "at_once_seconds": cost.AtOnce.Seconds()})
	}
	fmt.Fprintf(out, "A sweep of %s reads %s and %s: %s.\n", t.Name, admin.Counted(cost.Hosts, "host"), admin.Counted(cost.Meetings, "upcoming meeting"), admin.Counted(cost.Calls, "call"))
	switch {
	case cost.Budget < 0:
		fmt.Fprintln(out, "No worker has said yet what it may cost a day (LATCHKEY_SWEEP_CALLS).")
	case cost.Budget == 0:
		fmt.Fprintln(out, "Nothing bounds what it costs a day (LATCHKEY_SWEEP_CALLS=0).")
	default:
		fmt.Fprintf(out, "Of %d calls a day %d are left today: it takes %s.\n", cost.Budget, max(0, cost.Budget-cost.SpentToday), daysWords(cost))
	}
	fmt.Fprintf(out, "By Zoom's limits alone (plan %s, %d %% of them latchkey's) it takes %s.\n", plan, c.ZoomShare, cost.AtOnce.Round(time.Second))
	fmt.Fprintln(out, "Not counted are users whom no event mentioned: they are found by the sweep itself. A list of\nmeetings shows none that begin in more than six months, and no instant ones.")
	return nil
}

func daysWords(cost admin.SweepCost) string {
	left := cost.Calls - max(0, cost.Budget-cost.SpentToday)
	if left <= 0 {
		return "a part of today"
	}
	return fmt.Sprintf("what is left of today and %.1f days more", float64(left)/float64(cost.Budget))
}

// printRisks says how many meetings would demand a passcode, by setting and by who can
// change it, and as JSON how the sweep p was that found them, if one did.
func printRisks(ctx context.Context, out io.Writer, s *store.Store, account string, raw bool, p store.Progress) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	risks, upcoming, err := s.MeetingsAtRisk(ctx, account)
	if err != nil {
		return err
	}
	if raw {
		all := map[string]any{"account_id": account, "upcoming": upcoming, "at_risk": admin.RisksJSON(risks)}
		if p.ID != 0 {
			all["sweep"] = map[string]any{"hosts": p.Hosts, "calls": p.Calls, "failed": p.Failed, "stopped": p.Stopped, "users_not_listed": p.UsersWhy, "began_at": p.BeganAt.UTC(), "ended_at": p.EndedAt.UTC()}
		}
		return json.NewEncoder(out).Encode(all)
	}
	if len(risks) == 0 {
		fmt.Fprintf(out, "Of %d upcoming meetings that are known none demands a passcode.\n", upcoming)
		return nil
	}
	return wrapped(out, func(out io.Writer) error {
		fmt.Fprintf(out, "Of %d upcoming meetings that are known:\n", upcoming)
		for _, r := range risks {
			for i, line := range strings.Split(admin.RiskWords(r), "\n") {
				fmt.Fprintln(out, strings.Repeat(" ", 2+2*min(i, 1))+line)
			}
		}
		return nil
	})
}

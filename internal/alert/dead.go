package alert

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"

	"latchkey/internal/store"
)

// deadData is the JSON of event.dead.
type deadData struct {
	AccountID  string `json:"account_id"`
	Stage      string `json:"stage"`
	Cause      string `json:"cause"`
	DeadLetter uint64 `json:"dead_letter"` // the first of them
	Why        string `json:"why"`
}

// Dead makes the one alert for a cause for which events of an account cannot be
// handled; id is the dead letter that showed it.
func Dead(c store.DeadCause, id uint64) store.Alert {
	whose, which := "an account that is not known", ""
	if c.AccountID != "" {
		whose, which = "account "+c.AccountID, " --account "+c.AccountID
	}
	why := fmt.Sprintf("Events of %s could not be handled (%s): %s. They are kept: `latchkey dead show %d` shows the first, `latchkey dead list --stage %s%s` all of them; once the cause is gone, `latchkey dead redrive` takes them in.",
		whose, c.Stage, c.Cause, id, c.Stage, which)
	return store.Alert{AccountID: c.AccountID, Type: EventDead, Subject: cmp.Or(c.AccountID, "_"),
		Data: encode(deadData{AccountID: c.AccountID, Stage: c.Stage, Cause: c.Cause, DeadLetter: id, Why: why})}
}

var (
	quoted  = regexp.MustCompile("\"[^\"]*(\"|$)|`[^`]*(`|$)|\\B'[^']*('|$)")
	account = regexp.MustCompile(`\baccount [^\s,;:.]+`)
	counted = regexp.MustCompile(`[^\s,;:()\[\]]*[0-9][^\s,;:()\[\]]*`)
)

// CauseOf makes a kind of cause of the reason of a dead letter: without ids, numbers
// and whatever was quoted, so that reasons of one kind are the same text, and
// nothing of a body can be in it.
func CauseOf(reason string) string {
	// What was panicked with may be anything, but for what Go itself says.
	if rest, ok := strings.CutPrefix(reason, "panic: "); ok && !strings.HasPrefix(rest, "runtime error: ") {
		return "panic"
	}
	s := quoted.ReplaceAllString(reason, "…")
	s = account.ReplaceAllString(s, "account …")
	s = counted.ReplaceAllString(s, "…")
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 200 {
		s = string(r[:200]) + "…"
	}
	return cmp.Or(s, "no reason given")
}

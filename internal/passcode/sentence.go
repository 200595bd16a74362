package passcode

import (
	"fmt"
	"strings"
	"time"
)

// Sentence says the verdict in one plain English sentence that names the
// setting as Zoom's web portal does, the level, and who can change it. It never
// holds a passcode. Nothing may be decided by comparing sentences: that is what
// Signature is for.
func (v Verdict) Sentence() string {
	cause, _ := v.first(Code.IsCause)
	block, blocked := v.first(isBlock)
	switch v.Outcome {
	case OutcomeJoinable:
		return "Joiners are not asked for a passcode."
	case OutcomeUnsecured:
		return v.openSentence(block, blocked)
	case OutcomeGone:
		return goneSentence(block, cause)
	case OutcomeUnknown:
		if blocked {
			return "It is not known whether joiners are asked for a passcode: " + block.Sentence() + "."
		}
		return "It is not known whether joiners are asked for a passcode."
	}

	var b strings.Builder
	switch {
	case v.Has(BlockKnown):
		return "Joiners are asked for a passcode: " + Reason{Code: BlockKnown}.Sentence() + "."
	case v.Has(BlockOver):
		return fmt.Sprintf("The meeting is over; joiners were asked for a passcode because %s.", v.Causes())
	}
	fmt.Fprintf(&b, "Joiners are asked for a passcode because %s; ", v.Causes())
	b.WriteString(v.doing(block, blocked))
	if who := v.whoCanChange(cause, block, blocked); who != "" {
		b.WriteString("; " + who)
	}
	b.WriteByte('.')
	return b.String()
}

// Causes says why the passcode is there, as a clause: the first cause, with a
// sub-option that goes with it.
func (v Verdict) Causes() string {
	var all []Reason
	for _, r := range v.Reasons {
		if r.Code.IsCause() {
			all = append(all, r)
		}
	}
	switch {
	case len(all) == 0:
		return "a passcode is set"
	case all[len(all)-1].Code == CauseSetLater && len(all) > 1:
		s := ""
		for _, r := range all {
			if s != "" {
				s += ", or because "
			}
			s += r.Sentence()
		}
		return s
	case len(all) > 1 && all[1].Code == CauseScheduled:
		return fmt.Sprintf("%s (and with it %q)", all[0].Sentence(), KeyScheduled.Info().Portal)
	}
	if len(all) > 1 && all[1].Code == CauseCaller && all[1].Detail != likeZooms {
		return all[0].Sentence() + ", or because " + all[1].Sentence()
	}
	return all[0].Sentence()
}

// doing says what latchkey does about a passcode, and what stands in the way.
func (v Verdict) doing(block Reason, blocked bool) string {
	since := func(s string) string {
		if blocked {
			return s + ", since " + block.Sentence()
		}
		return s
	}
	switch v.Remedy {
	case RemedyClear:
		if v.Ask.WaitingRoom != AskOn {
			return "nothing forces it, so latchkey removes it; sign-in to Zoom, which is on, secures the meeting"
		}
		return "nothing forces it, so latchkey removes it and uses the waiting room instead"
	case RemedySet:
		return "latchkey sets a passcode that is known beforehand instead"
	case RemedyDefer:
		return since(fmt.Sprintf("latchkey tries again at %s", moment(v.DeferUntil)))
	case RemedyKeep:
		return since("latchkey keeps it and `latchkey passcode` gives it")
	case RemedyImpossible:
		return since("latchkey keeps it and does not know it")
	}
	if v.Would != "" && v.Has(BlockHeld) {
		return fmt.Sprintf("nothing is changed, since %s; once that is over latchkey would %s", block.Sentence(), wouldWords[v.Would])
	}
	if v.Would != "" {
		return fmt.Sprintf("nothing is changed, since %s; policy %s would %s", block.Sentence(), ModeWaitingRoom, wouldWords[v.Would])
	}
	return since("nothing is changed")
}

// wouldWords say what a remedy would be, after "policy waiting-room would".
var wouldWords = map[Remedy]string{
	RemedyClear: "remove it", RemedyKeep: "keep it and make it known", RemedyNone: "change nothing",
	RemedyDefer: "remove it later", RemedyImpossible: "not be able to remove it", RemedySet: "set another", RemedySecure: "secure the meeting",
}

// whoCanChange names the person whose setting would have to change, and what
// comes of it. A setting in the way matters more than the cause.
func (v Verdict) whoCanChange(cause, block Reason, blocked bool) string {
	switch v.Remedy {
	case RemedyKeep, RemedyImpossible:
	default:
		return ""
	}
	if blocked && block.Code.info().inTheWay {
		return block.WhoCanChange()
	}
	return cause.WhoCanChange()
}

// InTheWay is the reason whose setting would have to change for the passcode to
// go; false when no setting is the matter.
func (v Verdict) InTheWay() (Reason, bool) {
	if v.Outcome != OutcomeDemands && v.Outcome != OutcomeUnsecured {
		return Reason{}, false
	}
	if r, ok := v.first(func(c Code) bool { return c.info().inTheWay }); ok {
		return r, true
	}
	r, ok := v.first(Code.IsCause)
	return r, ok && r.WhoCanChange() != ""
}

func (v Verdict) openSentence(block Reason, blocked bool) string {
	cause, _ := v.first(Code.IsCause)
	s := "The meeting is open to anybody: " + cause.Sentence() + "; "
	if cause.Code == CauseHoldsSome {
		s = "The meeting is open to some people: " + cause.Sentence() + "; "
	}
	switch {
	case v.Remedy == RemedySecure && cause.Code == CauseHoldsSome && v.Ask.HoldsEveryone:
		return s + "latchkey removed its passcode and now has everybody wait."
	case v.Remedy == RemedySecure && v.Ask.WaitingRoom == AskOn:
		return s + "latchkey removed its passcode and now turns the waiting room on."
	case v.Remedy == RemedySecure:
		return s + "latchkey removed its passcode and now puts it back."
	case v.Remedy == RemedyDefer:
		return s + fmt.Sprintf("latchkey tries again at %s, since %s.", moment(v.DeferUntil), block.Sentence())
	case v.Remedy == RemedyImpossible:
		do := "turn its waiting room on now"
		if block.Code == BlockLockedOff {
			do = "have the waiting room unlocked, or set a passcode, now"
		}
		return s + fmt.Sprintf("latchkey removed its passcode and cannot secure it, since %s; %s.", block.Sentence(), do)
	case blocked:
		return s + "nothing is changed, since " + block.Sentence() + "."
	}
	return s + "nothing is changed."
}

func goneSentence(block, cause Reason) string {
	s := "The meeting is over; its number leads nowhere."
	switch block.Code {
	case BlockDeleted:
		s = "The meeting was deleted; its number leads nowhere."
	case BlockNotFound:
		s = "Zoom does not know this meeting: deleted, expired, or another account's."
	}
	if cause.Code != "" {
		s += " It had a passcode because " + cause.Sentence() + "."
	}
	return s
}

func isBlock(c Code) bool { return !c.IsCause() }

func (v Verdict) first(is func(Code) bool) (Reason, bool) {
	for _, r := range v.Reasons {
		if is(r.Code) {
			return r, true
		}
	}
	return Reason{}, false
}

// Has reports whether one of the reasons is of that code.
func (v Verdict) Has(c Code) bool {
	_, ok := v.first(func(code Code) bool { return code == c })
	return ok
}

// Sentence is the reason in plain English, as a clause without a full stop. A
// code that another version wrote is its own word.
func (r Reason) Sentence() string {
	if info := r.Code.info(); info.clause != nil {
		return info.clause(r)
	}
	return string(r.Code)
}

// WhoCanChange names who may change the setting the reason is about, and how;
// empty when no setting is the matter.
func (r Reason) WhoCanChange() string {
	info := r.Code.info()
	switch {
	case info.who != nil:
		return info.who(r)
	case info.clause == nil, r.Path == "", r.Level == LevelMeeting:
		return ""
	}
	if r.Locked {
		return r.byLevel("unlock that setting, and latchkey then checks again")
	}
	return r.byLevel("turn that setting off")
}

// byLevel says who may do it, from the level that holds the setting.
func (r Reason) byLevel(do string) string {
	switch r.Level {
	case LevelGroup:
		return fmt.Sprintf("an admin who manages %s can %s", r.holder(), do)
	case LevelAccount:
		return "an admin of the account can " + do
	case LevelHost:
		return "the host or an admin can " + do
	}
	return ""
}

// holder is who holds the lock, by the name that the portal shows.
func (r Reason) holder() string {
	switch {
	case r.Level == LevelGroup && r.ByName != "":
		return fmt.Sprintf("group %q", r.ByName)
	case r.Level == LevelGroup:
		return "group " + r.By
	case r.Level == LevelAccount:
		return "the account"
	case r.Level == LevelPlan:
		return "the plan"
	}
	return "a level above the host"
}

// changed says who made it so and when, where that is recorded.
func (r Reason) changed() string {
	if r.ChangedAt.IsZero() {
		return ""
	}
	return " (" + by(r.ChangedBy) + ", " + moment(r.ChangedAt) + ")"
}

// tried picks the words for the remedy that failed.
func (r Reason) tried(clear, set, secure string) string {
	switch r.Tried {
	case RemedySet:
		return set
	case RemedySecure:
		return secure
	}
	return clear
}

func by(who string) string {
	if who == "" {
		return "somebody"
	}
	return who
}

// moment is a time as people read it: 25 Nov 09:55 UTC.
func moment(t time.Time) string { return t.UTC().Format("2 Jan 15:04 UTC") }

// dated is a moment of which the year may matter.
func dated(t time.Time) string { return t.UTC().Format("2 Jan 2006 15:04 UTC") }

package passcode

import (
	"fmt"
	"strings"
	"time"
)

// Sentence says the verdict in one plain English sentence that names the
// setting, the level and who can change it. It never holds a passcode.
func (v Verdict) Sentence() string {
	switch v.Outcome {
	case OutcomeJoinable:
		return "Joiners are not asked for a passcode."
	case OutcomeUnknown:
		if r, ok := v.first(func(c Code) bool { return !c.IsCause() }); ok {
			return "It is not known whether joiners are asked for a passcode: " + r.Sentence() + "."
		}
		return "It is not known whether joiners are asked for a passcode."
	}

	var b strings.Builder
	b.WriteString("Joiners are asked for a passcode because ")
	cause, _ := v.first(Code.IsCause)
	b.WriteString(cause.Sentence())
	b.WriteString("; ")
	block, blocked := v.first(func(c Code) bool { return !c.IsCause() })
	switch v.Remedy {
	case RemedyClear:
		b.WriteString("nothing forces it, so it can be removed and the waiting room used instead")
	case RemedySet:
		b.WriteString("a passcode that is known beforehand is set instead")
	case RemedyDefer:
		fmt.Fprintf(&b, "it can be removed, but not before %s: %s", v.DeferUntil.UTC().Format(time.RFC3339), block.Sentence())
	case RemedyKeep:
		b.WriteString("it is kept and known to latchkey")
		if blocked {
			b.WriteString(", since " + block.Sentence())
		}
	case RemedyImpossible:
		b.WriteString("latchkey cannot do anything about it")
		if blocked {
			b.WriteString(", since " + block.Sentence())
		}
	default:
		if blocked {
			b.WriteString("nothing is changed, since " + block.Sentence())
		} else {
			b.WriteString("nothing is changed")
		}
	}
	if who := whoCanChange(block, blocked, cause); who != "" && v.Remedy != RemedyClear && v.Remedy != RemedyDefer && v.Remedy != RemedyNone {
		b.WriteString("; " + who)
	}
	b.WriteByte('.')
	return b.String()
}

func (v Verdict) first(is func(Code) bool) (Reason, bool) {
	for _, r := range v.Reasons {
		if is(r.Code) {
			return r, true
		}
	}
	return Reason{}, false
}

// whoCanChange names the person whose setting would have to change. A setting
// in the way of removing the passcode matters more than what caused it.
func whoCanChange(block Reason, blocked bool, cause Reason) string {
	if blocked && block.Code == BlockLockedOff {
		return block.WhoCanChange()
	}
	return cause.WhoCanChange()
}

// WhoCanChange names who may change the setting the reason is about, and how;
// empty when no setting is the matter.
func (r Reason) WhoCanChange() string {
	verb := "turn it off"
	if r.Code == BlockLockedOff {
		verb = "unlock it or turn it on"
	}
	switch r.Code {
	case CauseRequest, CauseUnexplained, CauseAutoSecurity, BlockContradict:
		return ""
	case CausePlan:
		return "only a larger Zoom plan lifts it"
	case CausePMI:
		return "the host can change it in the settings of their personal meeting room"
	}
	if r.Path == "" || r.Level == LevelMeeting {
		return ""
	}
	switch r.Level {
	case LevelGroup:
		return fmt.Sprintf("an admin who manages group %s can %s", r.By, unlockOr(verb))
	case LevelAccount:
		return fmt.Sprintf("an admin of account %s can %s", r.By, unlockOr(verb))
	case LevelHost:
		return "the host or an admin can " + verb
	}
	return ""
}

func unlockOr(verb string) string {
	if verb == "turn it off" {
		return "unlock it or turn it off"
	}
	return verb
}

// Sentence is the reason in plain English, as a clause without a full stop.
func (r Reason) Sentence() string {
	switch r.Code {
	case CauseLockedOn:
		return fmt.Sprintf("the passcode setting (%s) is locked on by %s", r.Path, r.holder())
	case CauseSettingOn:
		return fmt.Sprintf("the host's passcode setting (%s) is on, though not locked", r.Path)
	case CauseScheduled:
		if r.Locked {
			return fmt.Sprintf("passcodes on already scheduled meetings (%s) are locked on by %s", r.Path, r.holder())
		}
		return fmt.Sprintf("the setting that puts passcodes on already scheduled meetings (%s) is on", r.Path)
	case CausePlan:
		if r.By == string(PlanProSingleHost) {
			return "a Pro plan with one host always has passcodes on"
		}
		return "the free Zoom plan always has passcodes on"
	case CauseAutoSecurity:
		return fmt.Sprintf("every meeting must have a security option (%s) and the waiting room is locked off", r.Path)
	case CausePMI:
		return "it runs under the host's personal meeting id, which has a passcode of its own"
	case CauseRequest:
		return "whoever created or edited the meeting asked for one, or a setting that is off now was on then"
	case CauseUnexplained:
		return "of a setting that could not be read yet"
	case BlockLockedOff:
		return fmt.Sprintf("without it the meeting would be open to anyone: the waiting room (%s) is locked off by %s", r.Path, r.holder())
	case BlockContradict:
		return fmt.Sprintf("the locks on %s contradict each other", r.Path)
	case BlockFactMissing:
		if r.Level == LevelMeeting {
			return "the meeting could not be read yet"
		}
		return fmt.Sprintf("whether %s is locked could not be read yet", r.Path)
	case BlockOverwritten:
		return "Zoom accepted its removal and put a passcode back"
	case BlockRefused:
		return "Zoom refused to remove it"
	case BlockContested:
		return fmt.Sprintf("somebody put a passcode back %d times within a day", ContestedAfter)
	case BlockDailyLimit:
		return "Zoom allows 100 meeting changes per host and UTC day and they are used up"
	case BlockPolicy:
		return "the policy is to observe only"
	case BlockInProgress:
		return "the meeting is running and is left alone"
	case BlockOver:
		return "the meeting is over"
	case BlockWebinar:
		return "it is a webinar, which latchkey leaves alone"
	case BlockUnreadable:
		return "Zoom does not show its passcode"
	case BlockKnown:
		return "it is the passcode that the policy sets"
	case BlockRequirement:
		return "the policy's passcode cannot meet the host's requirement: " + r.Detail
	}
	return string(r.Code)
}

func (r Reason) holder() string {
	switch r.Level {
	case LevelGroup:
		return "group " + r.By
	case LevelAccount:
		return "account " + r.By
	case LevelPlan:
		return "the plan"
	}
	return "a level above the host"
}

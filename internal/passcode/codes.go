package passcode

import "fmt"

// Code says which kind of reason it is; the rest of Reason are its particulars.
type Code string

// The reasons. The first group says why a meeting is as it is, the second what
// stands in the way of changing that. codeTable has a row for each.
const (
	CauseLockedOn     Code = "locked_on"               // the passcode setting is locked on above the host
	CauseSettingOn    Code = "setting_on"              // the host's own passcode setting is on
	CauseScheduled    Code = "applies_to_scheduled"    // passcodes were put on already scheduled meetings
	CausePlan         Code = "plan"                    // the plan forces passcodes
	CauseAutoSecurity Code = "auto_security"           // one security option is required and only this one was left
	CausePMI          Code = "pmi"                     // the passcode belongs to the host's personal meeting id
	CauseWasOn        Code = "was_on"                  // a setting that is off or unlocked now was on or locked on then
	CauseRequest      Code = "request"                 // no setting explains it: it was asked for
	CauseCaller       Code = "caller"                  // whoever made it by API, or their client library, sent one
	CauseSetLater     Code = "set_later"               // somebody put it on a meeting that had been seen without one
	CauseUnexplained  Code = "unexplained"             // settings are not known
	CauseOpen         Code = "open"                    // nothing secures the meeting
	CauseHoldsSome    Code = "waiting_room_holds_some" // the waiting room alone secures it, and lets some people pass
	CauseDateOpen     Code = "date_open"               // the waiting room is off for one date of a series
	CausePMIJoin      Code = "pmi_join_before_host"    // only where people may join before the host
	CauseUndocumented Code = "undocumented"            // Zoom's documents leave the combination open

	BlockLockedOff          Code = "waiting_room_locked_off" // a clear would leave the meeting without a security option
	BlockPasscodesLockedOff Code = "passcodes_locked_off"    // no passcode of the policy's can be set
	BlockContradict         Code = "contradicting_locks"
	BlockFactMissing        Code = "fact_missing"
	BlockNotFound           Code = "not_found" // Zoom says that it does not know the meeting
	BlockOverwritten        Code = "overwritten"
	BlockRefused            Code = "refused"
	BlockBusy               Code = "busy"
	BlockOpened             Code = "opened" // the change left the meeting open and was taken back
	BlockDateOpen           Code = "date_without_waiting_room"
	BlockContested          Code = "contested"
	BlockDailyLimit         Code = "daily_limit"
	BlockTooLate            Code = "daily_limit_too_late"
	BlockPolicy             Code = "policy_observe"
	BlockHeld               Code = "held" // somebody told latchkey to change nothing for now
	BlockInProgress         Code = "in_progress"
	BlockOver               Code = "over"
	BlockDeleted            Code = "deleted"
	BlockWebinar            Code = "webinar"
	BlockProbe              Code = "probe"
	BlockUnreadable         Code = "passcode_unreadable"
	BlockUnrestorable       Code = "passcode_unrestorable" // an update does not take its characters
	BlockKnown              Code = "known"                 // it is the passcode that the policy sets
	BlockRequirement        Code = "requirement"           // the policy's passcode cannot meet the host's requirement
	BlockNotOurs            Code = "not_ours"              // it is open, and not because latchkey removed its passcode
)

// codeInfo is one row of the table of reasons.
type codeInfo struct {
	cause bool
	// passing: it goes away by itself, so that its coming and going is no news.
	passing bool
	// inTheWay: the setting it names is the one that would have to change, rather
	// than the cause's.
	inTheWay bool
	// clause is the reason in plain English, without a full stop.
	clause func(Reason) string
	// who says who can change it and how; nil: by level, see byLevel.
	who func(Reason) string
}

var codeTable = map[Code]codeInfo{
	CauseLockedOn: {cause: true, clause: func(r Reason) string {
		return fmt.Sprintf("%s is locked on by %s%s", portalOf(r.Path), r.holder(), r.changed())
	}, who: func(r Reason) string {
		s := r.byLevel("unlock that setting, and latchkey then checks again")
		if r.Detail == perhapsPlan {
			s += ", unless the plan holds it: " + perhapsPlan
		}
		return s
	}},
	CauseSettingOn: {cause: true, clause: func(r Reason) string {
		switch {
		case r.LockUnknown:
			return portalOf(r.Path) + " is on for the host, and latchkey does not know whether an admin locked it"
		case r.Locked:
			return fmt.Sprintf("%s is on, locked by %s", portalOf(r.Path), r.holder())
		}
		return portalOf(r.Path) + " is on for the host" + r.changed()
	}, who: func(r Reason) string {
		do := "turn that setting off"
		if r.Path == KeyPasscode.Path() {
			do += " for new meetings"
		}
		if r.LockUnknown {
			return "an admin can " + do + ", and so can the host where it is not locked"
		}
		return r.byLevel(do)
	}},
	CauseScheduled: {cause: true, clause: func(r Reason) string {
		if r.Locked {
			return fmt.Sprintf("%s is locked on by %s%s", portalOf(r.Path), r.holder(), r.changed())
		}
		return portalOf(r.Path) + " is on for the host" + r.changed()
	}},
	CausePlan: {cause: true, clause: func(r Reason) string {
		if r.By == string(PlanProSingleHost) {
			return "the account has one licensed user and passcodes locked on, which Zoom does not let such accounts turn off"
		}
		return "Zoom's free plan always has passcodes on"
	}, who: func(r Reason) string {
		if r.By == string(PlanProSingleHost) {
			return "a second licence or a larger plan changes that"
		}
		return "a paid plan changes that"
	}},
	CauseAutoSecurity: {cause: true, clause: func(r Reason) string {
		return fmt.Sprintf("%s is on and %q is locked off, so Zoom made a passcode", portalOf(r.Path), KeyWaitingRoom.Info().Portal)
	}, who: nobody},
	CausePMI: {cause: true, clause: func(r Reason) string {
		if r.Value == On {
			return fmt.Sprintf("it uses the host's Personal Meeting ID and %s is on", portalOf(r.Path))
		}
		return "it uses the host's Personal Meeting ID, which has a passcode of its own"
	}, who: func(r Reason) string {
		if r.Value == On {
			return "the host or an admin can turn that setting off"
		}
		return "the host can remove it in the settings of their Personal Meeting ID"
	}},
	CauseWasOn: {cause: true, clause: func(r Reason) string {
		if r.Level == LevelPlan {
			return "the plan that the account had when the passcode appeared does not let passcodes be off"
		}
		did := "on"
		if r.Locked {
			did = "locked on"
		}
		s := fmt.Sprintf("%s was %s", portalOf(r.Path), did)
		if r.Level == LevelGroup || r.Level == LevelAccount {
			s += " for " + r.holder()
		}
		return s + r.changed() + " before the passcode appeared, and is not any more"
	}, who: nobody},
	CauseRequest: {cause: true, clause: func(Reason) string {
		return "whoever created or edited the meeting asked for one, or a setting that is off now was on then"
	}, who: nobody},
	CauseCaller: {cause: true, clause: func(r Reason) string {
		const who = "whoever made it by API, or their client library, sent a passcode"
		if r.Detail == notZooms {
			return who + ": it is " + notZooms
		}
		if r.Detail == likeZooms {
			return "less likely, " + who + " that is " + likeZooms
		}
		return who
	}, who: func(Reason) string {
		return "whoever makes the meetings can leave `password` out of the call and send `default_password: false`"
	}},
	CauseSetLater: {cause: true, clause: func(r Reason) string {
		if r.ChangedAt.IsZero() {
			return by(r.ChangedBy) + " put one on the meeting, which had been seen without"
		}
		return fmt.Sprintf("%s put one on the meeting after %s, when it had none", by(r.ChangedBy), dated(r.ChangedAt))
	}, who: func(Reason) string { return "the host, or whoever edits the meeting, can take it off there" }},
	CauseUnexplained: {cause: true, clause: func(r Reason) string {
		if r.Detail != "" {
			return "of a setting or a request: latchkey cannot read the settings now, and when it last could, " + r.Detail
		}
		return "of a setting or a request: latchkey could not read the settings yet"
	}, who: nobody},
	CausePMIJoin: {cause: true, clause: func(r Reason) string {
		return fmt.Sprintf("it uses the host's Personal Meeting ID, people may join before the host, and %s asks then", portalOf(r.Path))
	}},
	CauseUndocumented: {cause: true, clause: func(Reason) string {
		return "Zoom's documents contradict each other about what these settings come to"
	}, who: nobody},
	CauseOpen: {cause: true, clause: func(Reason) string {
		return "it has no passcode, no waiting room and asks nobody to sign in"
	}, who: func(Reason) string { return "the host can turn the meeting's waiting room on" }},

	CauseHoldsSome: {cause: true, clause: func(r Reason) string {
		who := r.Detail
		if who == "" {
			who = waitsOtherWords
		}
		return "it has no passcode and asks nobody to sign in, and its waiting room holds " + who
	}, who: func(Reason) string { return "the host can choose that everybody waits" }},
	CauseDateOpen: {cause: true, clause: func(r Reason) string {
		return "it has no passcode and asks nobody to sign in, and on one of its dates" + onDate(r) + " its waiting room is off"
	}, who: func(Reason) string { return "the host can turn the waiting room on for that date" }},

	BlockLockedOff: {inTheWay: true, clause: func(r Reason) string {
		if r.Detail == signInInstead {
			return fmt.Sprintf("without the passcode Zoom would %s: %s is locked off by %s", signInInstead, portalOf(r.Path), r.holder())
		}
		return fmt.Sprintf("without the passcode anybody could walk in: %s is locked off by %s", portalOf(r.Path), r.holder())
	}, who: func(r Reason) string { return r.byLevel("unlock or turn on that setting") }},
	BlockDateOpen: {inTheWay: true, clause: func(r Reason) string {
		return "without the passcode anybody could walk in on one of its dates" + onDate(r) + " since the waiting room is off then"
	}, who: func(Reason) string {
		return "the host can turn the waiting room on for that date, and latchkey then checks again"
	}},
	BlockPasscodesLockedOff: {inTheWay: true, clause: func(r Reason) string {
		return fmt.Sprintf("no other passcode can be set: %s is locked off by %s", portalOf(r.Path), r.holder())
	}, who: func(r Reason) string { return r.byLevel("unlock that setting") }},
	BlockContradict: {inTheWay: true, clause: func(r Reason) string {
		if r.Detail == "" {
			return fmt.Sprintf("%s locks %s, and for the host Zoom shows another value than that lock fixes", r.holder(), portalOf(r.Path))
		}
		return fmt.Sprintf("%s and %q lock %s differently, and which one Zoom follows is not documented", r.holder(), r.Detail, portalOf(r.Path))
	}, who: func(r Reason) string {
		if r.Detail == "" {
			return "an admin must set that lock again, or take the host out of it"
		}
		return "an admin must make both alike or take the host out of one of them"
	}},
	BlockFactMissing: {clause: func(r Reason) string {
		if r.Path == pathDates {
			return "latchkey has not looked yet whether the waiting room is on for each of its dates"
		}
		if r.Level == LevelMeeting {
			return "latchkey could not read the meeting yet"
		}
		return fmt.Sprintf("latchkey could not read whether %s is locked", portalOf(r.Path))
	}, who: nobody},
	BlockNotFound: {clause: func(Reason) string {
		return "Zoom does not know this meeting: deleted, expired, or another account's"
	}, who: nobody},
	BlockOverwritten: {clause: func(r Reason) string {
		return r.tried("Zoom answered yes to the removal and a passcode is still there",
			"Zoom answered yes to latchkey's passcode and kept another one", "Zoom answered yes and left the meeting open")
	}, who: nobody},
	BlockRefused: {clause: func(r Reason) string {
		s := r.tried("Zoom refused to remove the passcode", "Zoom refused latchkey's passcode", "Zoom refused to secure the meeting")
		if r.Detail != "" {
			s += fmt.Sprintf(" (%q)", r.Detail)
		}
		return s
	}, who: nobody},
	BlockBusy: {passing: true, clause: func(Reason) string {
		return "Zoom says that the meeting cannot be changed right now"
	}, who: nobody},
	BlockOpened: {clause: func(Reason) string {
		return "without the passcode Zoom left the meeting open to anybody, so latchkey put security back"
	}, who: nobody},
	BlockContested: {clause: func(r Reason) string {
		how := r.Detail
		if how == "" { // another version wrote it
			how = fmt.Sprintf("%d times within a day", ContestedAfter)
		}
		s := "latchkey's change was undone " + how + ", and latchkey stopped"
		if r.ChangedBy != "" {
			s += "; the meeting was last touched by " + r.ChangedBy
		}
		return s
	}, who: nobody},
	BlockDailyLimit: {passing: true, clause: func(r Reason) string {
		if r.Detail != "" {
			return "of the 100 meeting changes that Zoom allows each host and UTC day latchkey leaves " + r.Detail + " to the host, and the others are used up"
		}
		return "Zoom allows 100 meeting changes for each host and UTC day, and they are used up"
	}, who: nobody},
	BlockTooLate: {passing: true, clause: func(Reason) string {
		return "Zoom allows its host 100 meeting changes a day (UTC), they are used up, and the meeting is before midnight UTC"
	}, who: nobody},
	BlockPolicy: {clause: func(Reason) string { return "the policy is to observe only" }, who: nobody},
	BlockHeld: {passing: true, clause: func(r Reason) string {
		what := map[HoldKind]string{HoldMeeting: "the meeting", HoldHost: "all meetings of the host", HoldAccount: "all meetings of the account", HoldAll: "everything"}[HoldKind(r.Path)]
		s := by(r.ChangedBy) + " holds " + what
		if !r.ChangedAt.IsZero() {
			s += " until " + moment(r.ChangedAt)
		}
		if r.Detail != "" {
			s += fmt.Sprintf(" (%q)", r.Detail)
		}
		return s
	}, who: nobody},
	BlockInProgress: {passing: true, clause: func(Reason) string { return "a meeting in progress is left alone" }, who: nobody},
	BlockOver:       {passing: true, clause: func(Reason) string { return "the meeting is over" }, who: nobody},
	BlockDeleted:    {clause: func(Reason) string { return "the meeting was deleted" }, who: nobody},
	BlockWebinar:    {clause: func(Reason) string { return "it is a webinar, which latchkey leaves alone" }, who: nobody},
	BlockProbe:      {clause: func(Reason) string { return "latchkey made it to find out what Zoom does, and leaves it alone" }, who: nobody},
	BlockUnreadable: {clause: func(Reason) string {
		return "Zoom does not reveal the passcode to this app, so a removal could not be taken back"
	}, who: nobody},
	BlockUnrestorable: {clause: func(Reason) string {
		return "its passcode holds characters that Zoom's API does not take, so a removal could not be taken back"
	}, who: nobody},
	BlockKnown: {clause: func(Reason) string { return "it is the passcode that the policy sets" }, who: nobody},
	BlockRequirement: {inTheWay: true, clause: func(r Reason) string {
		return fmt.Sprintf("latchkey's passcode cannot meet the host's requirement: %s", r.Detail)
	}, who: func(r Reason) string { return "the host or an admin can change " + portalOf(r.Path) }},
	BlockNotOurs: {clause: func(Reason) string { return "it was not latchkey that opened it" }, who: nobody},
}

// signInInstead is what Zoom makes of a removal where waiting room and passcodes
// are both locked off and one security option is required (Z-RULE-6).
const signInInstead = "make everybody sign in"

// onDate names the date that the reason is about, where it is known.
func onDate(r Reason) string {
	if r.Detail == "" {
		return ""
	}
	return ", " + r.Detail + ","
}

func nobody(Reason) string { return "" }

func (c Code) info() codeInfo { return codeTable[c] }

// Codes is the closed set, for tests that hold other places to it.
func Codes() []Code {
	all := make([]Code, 0, len(codeTable))
	for c := range codeTable {
		all = append(all, c)
	}
	return all
}

// IsCause reports whether the code explains why a meeting is as it is.
func (c Code) IsCause() bool { return c.info().cause }

package lint

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"latchkey/internal/passcode"
)

// instead is what to send for a waiting room and no passcode; a lock still wins.
const instead = "Send default_password: false with settings.waiting_room: true; a lock on the host's setting still wins."

// createOnly are the characters that the text of a create names and the one of a
// change does not (Z-CODE-3): a repair that failed could not put them back.
const createOnly = "!#"

// password judges the passcode that the body gives. No word of it is repeated.
func (j *judge) password(h *Host) {
	v, named := j.is["password"]
	if !named {
		return
	}
	at := path{"password"}
	p, _ := v.(string)
	if p == "" {
		what := "empty"
		if v == nil {
			what = "null"
		}
		says := "whether a create that says so gets a generated passcode all the same is not documented (a change is another matter)."
		switch {
		case h == nil || !j.emptyTried():
		case h.EmptyPasscode == passcode.On:
			says = "as was tried on this account, a create that says so gets a generated passcode all the same where the host's setting is on."
		case h.EmptyPasscode == passcode.Off:
			says = "as was tried on this account, a create that says so gets none, which no document says (a change is another matter)."
		}
		j.find(CodeEmpty, at, "It is "+what+": "+says, "Leave it out. "+instead)
		return
	}
	// Zoom applies a valid passcode (Z-RULE-5); what a create with another one comes
	// to is not said.
	invalid := func() {
		if !slices.Contains(j.report.Unpredictable, at.String()) {
			j.cannotTell(at)
		}
	}
	stays := strings.Map(func(c rune) rune {
		if strings.ContainsRune(createOnly, c) {
			return -1
		}
		return c
	}, p)
	long := len([]rune(p)) > passcode.MaxLength
	foreign := strings.ContainsFunc(stays, func(c rune) bool { return !passcode.Settable(string(c)) })
	if long {
		invalid()
		j.find(CodeTooLong, at, fmt.Sprintf("It has %d characters, and Zoom takes at most %d.", len([]rune(p)), passcode.MaxLength),
			"Send one of at most 10 letters, digits and @ - _ *, or none.")
	}
	switch {
	case foreign:
		invalid()
		j.find(CodeCharacters, at, "It holds a character that Zoom's documents do not name for a passcode: want letters, digits and @ - _ *.",
			"Send one of letters, digits and @ - _ *, or none.")
	case stays != p:
		j.find(CodeUnrestorable, at, "It holds ! or #, which only the text about creates names: a change of the meeting could not put it back, and Zoom Rooms have refused to join with #.",
			"Send one of letters, digits and @ - _ *, or none.")
	case h != nil && !long:
		if err := h.Requirement.Check(p); err != nil {
			invalid()
			j.find(CodeRequirement, at, "It does not meet the host's passcode requirement: "+err.Error()+".", "Send one that meets it, or none.")
		}
	}
	if j.pmi {
		return // the meeting has another one
	}
	more := " It must meet the host's passcode requirement too, which --host looks up."
	if h != nil {
		more = ""
	}
	j.note(CodeOwnPassword, at, "The meeting has this passcode, the caller's own, unless a lock has passcodes off: whoever joins by number must be given it. Some client libraries make one up where their caller gives none."+more)
}

// kind judges which kind of meeting it is.
func (j *judge) kind() {
	t, known := j.meetingType()
	if _, named := j.is["type"]; named && !known {
		send := "Send 2 for a scheduled meeting, 1 for an instant one, 3 or 8 for a recurring one."
		if t == int(passcode.TypePMI) {
			j.pmi = true
			j.find(CodePMI, path{"type"}, "Type 4 is a meeting under the host's personal meeting id, and no type that Zoom's schema lets a create have: such a meeting has the passcode of that id, which belongs to the host's settings and no request reaches.",
				"Send type 2 with settings.use_pmi: false, default_password: false and settings.waiting_room: true; a lock on the host's setting still wins.")
		} else {
			j.cannotTell(path{"type"})
			j.find(CodeType, path{"type"}, "It is no type of meeting that Zoom's schema lets a create have.", send)
		}
	}
	byPMI := slices.Contains([]int{int(passcode.TypeScheduled), int(passcode.TypeRecurringNoTime)}, t)
	pmi := path{"settings", "use_pmi"}
	switch usePMI := j.ask("use_pmi"); {
	case j.pmi:
	case usePMI == passcode.AskOn && byPMI:
		j.pmi = true
		j.find(CodePMI, pmi, "The meeting runs under the host's personal meeting id and has that id's own passcode, which belongs to the host's settings: no request reaches it.",
			"Send false, with default_password: false and settings.waiting_room: true; a lock on the host's setting still wins.")
	case usePMI == passcode.AskOn:
		j.cannotTell(pmi)
		j.find(CodePMI, pmi, "Zoom's schema has it for the types 2 and 3 alone: whether a meeting of this type runs under the host's personal meeting id, and so has that id's passcode, is not documented.",
			"Leave it out, or send false.")
	case usePMI == passcode.AskNothing && byPMI && !j.unclear["use_pmi"]:
		j.note(CodeHostsPMI, pmi, "It is not named, so that the host's own setting decides whether the meeting runs under their personal meeting id, whose passcode no request reaches; false rules that out.")
	}
	if t == int(passcode.TypeInstant) {
		j.note(CodeInstant, path{"type"}, "An instant meeting follows the host's setting for instant meetings, where the host has one of its own.")
	}
}

// meetingType is the type that Zoom's schema sees: 2 without one (Z-MEET-20).
func (j *judge) meetingType() (t int, known bool) {
	v, named := j.is["type"].(json.Number)
	if !named {
		return int(passcode.TypeScheduled), !j.unclear["type"]
	}
	f, err := strconv.ParseFloat(string(v), 64)
	if err != nil || f != float64(int(f)) {
		return 0, false
	}
	return int(f), created(int(f))
}

// created says whether a create takes the type (Z-MEET-20).
func created(t int) bool {
	return slices.Contains([]passcode.MeetingType{passcode.TypeInstant, passcode.TypeScheduled, passcode.TypeRecurringNoTime, passcode.TypeRecurring, passcode.TypeScreenShare}, passcode.MeetingType(t))
}

// whose says whose settings decide. A prediction for somebody else would be worse
// than none.
func (j *judge) whose(h *Host) error {
	whom, named := j.is["schedule_for"].(string)
	switch {
	case !named || whom == "":
	case h == nil:
		j.note(CodeScheduleFor, path{"schedule_for"}, "The meeting is that user's, and their settings decide, not those of the user in the path of the call: name them with --host.")
	case !slices.ContainsFunc(h.Names, func(n string) bool { return n != "" && strings.EqualFold(n, whom) }):
		return errors.New("$.schedule_for names another user than --host, and that user's settings decide: name them with --host")
	}
	return nil
}

// options judges what the body says of passcode, waiting room and sign-in.
func (j *judge) options(h *Host) {
	room, auth, pass := j.ask("waiting_room"), j.ask("meeting_authentication"), j.passcodeAsk()
	if j.ask("join_before_host") == passcode.AskOn && room == passcode.AskOn {
		j.find(CodeJoinFirst, path{"settings", "join_before_host"}, "Zoom disables it where the waiting room is on: people wait until the host lets them in.", "Send false, or leave it out.")
	}
	if pass != passcode.AskNothing || j.pmi || j.unclear["password"] || j.unclear["settings"] || j.unclear["waiting_room"] {
		return // judged elsewhere
	}
	def := path{"default_password"}
	switch ask := j.ask("default_password"); {
	case room == passcode.AskNothing && ask == passcode.AskOff:
		j.find(CodeNeither, nil, "It names neither a passcode nor the waiting room: the host's settings decide about the waiting room, and whether default_password: false holds off a passcode there is a thing that Zoom's documents disagree about.", "Send settings.waiting_room: true too; a lock on the host's setting still wins.")
	case room == passcode.AskNothing:
		j.find(CodeNeither, nil, "It names neither a passcode nor the waiting room, so that the host's settings decide about both: where the host's passcode setting is on, Zoom generates a passcode that nobody was given.", instead)
	case j.unclear["default_password"]:
	case ask == passcode.AskNothing && h != nil && h.Settings[passcode.KeyPasscode].Value == passcode.Off:
		j.note(CodeDisputed, def, "It is not named, and no password is given: this host's passcode setting is off, so none is generated. Once it is on Zoom's documents disagree: send false, and a change of that setting alone brings none.")
	case ask == passcode.AskNothing && h != nil && h.Documents == passcode.Documents2020:
		j.note(CodeDisputed, def, "It is not named, and no password is given: as was tried on this account, Zoom generates none then, whatever its newer reference says. Send false, and that stays so.")
	case ask == passcode.AskNothing && h != nil && h.Documents == passcode.Documents2025:
		j.find(CodeDisputed, def, "It is not named, and no password is given: as was tried on this account, Zoom generates a passcode then where the host's passcode setting is on, waiting room or not.", j.insteadOf(room, auth))
	case ask == passcode.AskNothing:
		j.find(CodeDisputed, def, "It is not named, and no password is given. Where the host's passcode setting is on, Zoom's documents disagree: by the newer reference it counts as true and Zoom generates a passcode, waiting room or not; by the older security page there is none.", j.insteadOf(room, auth))
	case ask == passcode.AskOn:
		j.find(CodeAskedFor, def, "It asks Zoom to generate a passcode where the host's passcode setting is on, waiting room or not.", j.insteadOf(room, auth))
	case room == passcode.AskOff && auth != passcode.AskOn && !j.unclear["meeting_authentication"]:
		j.find(CodeOpen, path{"settings", "waiting_room"}, "Passcode and waiting room are off and sign-in is not asked for: anybody who has the number can join, unless a setting of the host's puts an option on.", instead)
	}
}

// insteadOf is the advice, for a meeting that sign-in secures too.
func (j *judge) insteadOf(room, auth passcode.Ask) string {
	if room == passcode.AskOff && auth == passcode.AskOn {
		return "Send false; a lock on the host's setting still wins."
	}
	return instead
}

// correct is the body as it should be sent.
func (j *judge) correct() {
	meant := func(name string) *bool {
		b, known := boolMeant(j.meant[name])
		if !known {
			return nil
		}
		return &b
	}
	yes, no := true, false
	b := Body{DefaultPassword: meant("default_password"), Settings: BodySettings{WaitingRoom: meant("waiting_room"), Authentication: meant("meeting_authentication"),
		JoinBeforeHost: meant("join_before_host"), UsePMI: meant("use_pmi")}}
	if t, named := j.typeMeant(); named && created(t) {
		b.Type = t
	} else if named && t == int(passcode.TypePMI) {
		b.Type, b.Settings.UsePMI = int(passcode.TypeScheduled), &no
	}
	if b.Settings.UsePMI != nil && *b.Settings.UsePMI {
		b.Settings.UsePMI = &no
	}
	j.report.OwnPassword = j.hasOwn()
	if !j.report.OwnPassword {
		b.DefaultPassword = &no
		signIn := b.Settings.Authentication != nil && *b.Settings.Authentication && b.Settings.WaitingRoom != nil
		if !signIn {
			b.Settings.WaitingRoom = &yes
		}
	}
	if b.Settings.WaitingRoom != nil && *b.Settings.WaitingRoom && b.Settings.JoinBeforeHost != nil {
		b.Settings.JoinBeforeHost = &no
	}
	j.report.Body = b
}

// typeMeant is the type that the body was most likely meant to have.
func (j *judge) typeMeant() (t int, named bool) {
	switch v := j.meant["type"].(type) {
	case json.Number:
		t, _ = j.meetingType()
		if _, seen := j.is["type"]; !seen {
			t, _ = strconv.Atoi(string(v))
		}
		return t, true
	case string:
		t, err := strconv.Atoi(v)
		return t, err == nil
	}
	return 0, false
}

func askOfPointer(b *bool) passcode.Ask { return askOf(b != nil && *b, b != nil) }

// emptyTried says whether the body's password is one that latchkey doctor --probe
// tries: empty, and not null, of a scheduled meeting.
func (j *judge) emptyTried() bool {
	v, named := j.is["password"]
	t, _ := j.meetingType()
	return named && v == "" && t == int(passcode.TypeScheduled)
}

// predict says what Zoom makes of the body as it is, and of the corrected one.
func (j *judge) predict(h *Host) {
	t, _ := j.meetingType()
	asSent := passcode.Request{Passcode: j.passcodeAsk(), WaitingRoom: j.ask("waiting_room"), Authentication: j.ask("meeting_authentication"), DefaultPassword: j.ask("default_password")}
	b := j.report.Body
	corrected := passcode.Request{Passcode: askOf(true, j.report.OwnPassword), WaitingRoom: askOfPointer(b.Settings.WaitingRoom),
		Authentication: askOfPointer(b.Settings.Authentication), DefaultPassword: askOfPointer(b.DefaultPassword)}
	better := passcode.TypeScheduled
	if b.Type != 0 {
		better = passcode.MeetingType(b.Type)
	}
	one := func(setting string, host passcode.Host) Prediction {
		p := Prediction{Setting: setting, Corrected: passcode.PredictMeeting(host, passcode.Meeting{Type: better}, corrected)}
		if len(j.report.Unpredictable) == 0 {
			sent := passcode.PredictMeeting(host, passcode.Meeting{Type: passcode.MeetingType(t), UsesPMI: j.pmi}, asSent)
			p.AsSent = &sent
		}
		return p
	}
	if h == nil {
		for _, s := range []struct {
			name        string
			value, lock passcode.Toggle
		}{{"off", passcode.Off, passcode.Off}, {"on", passcode.On, passcode.Off}, {"locked on", passcode.On, passcode.On}} {
			j.report.Predictions = append(j.report.Predictions, one(s.name, hostWith(passcode.Setting{Value: s.value, Lock: s.lock})))
		}
		return
	}
	is := h.Host
	if !j.emptyTried() {
		is.EmptyPasscode = passcode.Unknown
	}
	p := one("host", is)
	j.report.Predictions = []Prediction{p}
	j.locks(is, better, corrected, p.Corrected)
}

// hostWith is a host with that passcode setting for all kinds of meetings, and
// all else off and not locked.
func hostWith(pass passcode.Setting) passcode.Host {
	h := passcode.Host{Plan: passcode.PlanPaid}
	if pass.Lock == passcode.On {
		pass.LockLevel = passcode.LevelAccount
	}
	for i := range h.Settings {
		h.Settings[i] = passcode.Setting{Value: passcode.Off, Lock: passcode.Off}
	}
	for _, k := range []passcode.Key{passcode.KeyPasscode, passcode.KeyInstant, passcode.KeyPMI} {
		h.Settings[k] = pass
	}
	return h
}

// locks judges what no body can change about a host.
func (j *judge) locks(h passcode.Host, t passcode.MeetingType, r passcode.Request, p passcode.Prediction) {
	if r.Passcode != passcode.AskOn && p.Passcode == passcode.On {
		f := passcode.ForecastFor(h)
		reason := f.Scheduled.Reason
		if t == passcode.TypeInstant {
			reason = f.Instant.Reason
		}
		why, who := "", ""
		if f.Forced(t) {
			why, who = ", because "+reason.Sentence(), reason.WhoCanChange()
		}
		if who != "" {
			who = " (" + who + ")"
		}
		j.find(CodeForced, nil, "No request for this host avoids a passcode"+why+".",
			"Nothing else helps: hand the password of Zoom's answer to whoever joins, or have the setting changed"+who+".")
	}
	for _, o := range []struct {
		at   path
		ask  passcode.Ask
		is   passcode.Toggle
		what string
	}{
		{path{"password"}, r.Passcode, p.Passcode, "passcodes"},
		{path{"settings", "waiting_room"}, r.WaitingRoom, p.WaitingRoom, "the waiting room"},
		{path{"settings", "meeting_authentication"}, r.Authentication, p.Authentication, "sign-in"},
	} {
		if o.ask == passcode.AskOn && o.is == passcode.Off {
			j.find(CodeLockedOff, o.at, "A level above this host has "+o.what+" locked off: it stays off, whatever is sent.", "Send another option, or have the lock taken away.")
		}
	}
}

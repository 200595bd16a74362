package passcode

import (
	"fmt"
	"strings"
)

// Forecast says whether a host's next meetings would demand a passcode, as
// their settings are now.
type Forecast struct {
	// Scheduled and Instant are meetings made without saying anything about
	// passcode or waiting room, so that they follow the host's settings.
	Scheduled Expectation `json:"scheduled"`
	Instant   Expectation `json:"instant"`
	PMI       Expectation `json:"pmi"`
	// API is a scheduled meeting made by the very call that platforms make: waiting
	// room on, no passcode, default_password not named. Zoom's documents disagree
	// about it (Z-RULE-15).
	API Expectation `json:"api"`
	// Already: meetings that are scheduled already get a passcode too.
	Already Expectation `json:"already_scheduled"`
	// CannotHost: the user is deactivated, or Zoom does not know them any more.
	CannotHost bool `json:"cannot_host,omitzero"`
}

// Expectation is one kind of meeting of a forecast.
type Expectation struct {
	Passcode Toggle `json:"passcode"`
	// WhenChanged: not now, but with the next change of the meeting.
	WhenChanged bool `json:"when_changed,omitzero"`
	// Sure says what the prediction of a create rests on; "" for the others.
	Sure Sureness `json:"sure,omitzero"`
	// Reason is the setting that decides; its zero value when nothing demands.
	Reason Reason `json:"reason,omitzero"`
}

// ForecastFor predicts from a host's settings (Z-LOCK-1, Z-RULE-12).
func ForecastFor(h Host) Forecast {
	f := Forecast{Scheduled: expect(h, TypeScheduled, Request{}), Instant: expect(h, TypeInstant, Request{}), API: expect(h, TypeScheduled, Request{WaitingRoom: AskOn})}
	switch {
	case h.PlanForces(KeyPMI):
		f.PMI = Expectation{Passcode: On, Reason: Reason{Code: CausePlan, Level: LevelPlan, By: string(h.Plan)}}
	case h.Settings[KeyPMI].Contradiction:
		f.PMI.Reason = contradicting(KeyPMI, h.Settings[KeyPMI])
	case h.Settings[KeyPMIJoin].Value == On:
		f.PMI.Reason = settingReason(CausePMIJoin, KeyPMIJoin, h.Settings[KeyPMIJoin])
	case h.Settings[KeyPMI].Value == On:
		f.PMI = Expectation{Passcode: On, Reason: causeOf(KeyPMI, h.Settings[KeyPMI])}
	default:
		f.PMI.Passcode = h.Settings[KeyPMI].Value
	}
	pass := h.Settings[KeyPasscode]
	switch {
	case h.Settings[KeyScheduled].Value == On && pass.LockedOff():
		f.Already.Passcode = Off // Z-RULE-4: locked off wins over the sub-option
	case h.Settings[KeyScheduled].Value == On:
		f.Already = Expectation{Passcode: On, Reason: settingReason(CauseScheduled, KeyScheduled, h.Settings[KeyScheduled])}
	case h.Settings[KeyScheduled].Value == Off && (h.PlanForces(KeyPasscode) || pass.lockedOn()):
		// Z-RULE-2: an update of a meeting without a passcode generates one.
		f.Already = Expectation{Passcode: Off, WhenChanged: true, Reason: f.Scheduled.Reason}
	default:
		f.Already.Passcode = h.Settings[KeyScheduled].Value
	}
	return f
}

// expect predicts a create of that type by that request.
func expect(h Host, t MeetingType, r Request) Expectation {
	key := (&Meeting{Type: t}).passcodeKey(h)
	pass := h.Settings[key]
	p := Predict(h.as(t), r, Options{})
	e := Expectation{Passcode: p.Passcode, Sure: p.Sure}
	if e.Passcode == Unknown {
		e.Reason = open(h, key)
	}
	if e.Passcode != On {
		return e
	}
	switch {
	case h.PlanForces(key):
		e.Reason = Reason{Code: CausePlan, Level: LevelPlan, By: string(h.Plan)}
	case pass.Value == On:
		e.Reason = causeOf(key, pass)
	default:
		e.Reason = settingReason(CauseAutoSecurity, KeyAutoSecurity, h.Settings[KeyAutoSecurity])
	}
	return e
}

// open says why a prediction cannot be made although settings were read; the
// zero reason when some were not.
func open(h Host, key Key) Reason {
	decide := []Key{key, KeyWaitingRoom, KeyAuthentication, KeyAutoSecurity}
	for _, k := range decide {
		if s := h.Settings[k]; s.Contradiction {
			return contradicting(k, s)
		}
	}
	for _, k := range decide {
		if s := h.Settings[k]; s.Value == Unknown || s.Lock == Unknown && k.Info().Lockable {
			return Reason{}
		}
	}
	return Reason{Code: CauseUndocumented, Path: key.Path(), Level: LevelHost}
}

// Forced says whether no meeting of that type can be made without a passcode,
// whatever the request says: a lock or the plan has it on (Z-RULE-2, Z-RULE-3).
func (f Forecast) Forced(t MeetingType) bool {
	e := f.Scheduled
	if t == TypeInstant {
		e = f.Instant
	}
	return e.Passcode == On && (e.Reason.Code == CauseLockedOn || e.Reason.Code == CausePlan)
}

// causeOf names a setting that is on as the cause, locked or not.
func causeOf(k Key, s Setting) Reason {
	if s.lockedOn() {
		return settingReason(CauseLockedOn, k, s)
	}
	return settingReason(CauseSettingOn, k, s)
}

// Signature is equal for two forecasts that say the same, however worded and
// whenever seen; "" is the signature of no forecast.
func (f Forecast) Signature() string {
	s := ""
	if f.CannotHost {
		s = "cannot host|"
	}
	for _, e := range []Expectation{f.Scheduled, f.Instant, f.PMI, f.Already} {
		s += e.Passcode.String() + map[bool]string{true: "~"}[e.WhenChanged] + ":" + e.Reason.identity() + "|"
	}
	if f.API.differs(f.Scheduled) {
		s += f.API.Passcode.String() + "," + string(f.API.Sure) + ":" + f.API.Reason.identity() + "|"
	}
	return s
}

// Sentence says the forecast in plain English.
func (f Forecast) Sentence() string {
	if f.CannotHost {
		return "This user cannot host meetings any more: they are deactivated, or Zoom does not know them."
	}
	lines := []string{"The next scheduled or instant meeting " + f.Scheduled.words("will demand a passcode", "will not demand a passcode")}
	if f.Instant.Passcode != f.Scheduled.Passcode || f.Instant.Reason.identity() != f.Scheduled.Reason.identity() {
		lines = []string{"The next scheduled meeting " + f.Scheduled.words("will demand a passcode", "will not demand a passcode"),
			"an instant meeting " + f.Instant.words("demands one", "demands none")}
	}
	if f.API.differs(f.Scheduled) {
		lines = append(lines, "a scheduled one made by API with the waiting room on and no passcode "+f.API.apiWords())
	}
	lines = append(lines,
		"a meeting under the personal meeting id "+f.PMI.words("demands a passcode", "demands none"),
		"meetings already scheduled "+f.Already.words("get passcodes too", "are left as they are"),
	)
	return strings.Join(lines, "; ") + "."
}

// differs says whether an expectation says something that the other does not.
func (e Expectation) differs(o Expectation) bool {
	return e.Passcode != o.Passcode || e.Sure != o.Sure || e.Reason.identity() != o.Reason.identity()
}

// apiWords says the prediction of the call that Zoom's documents disagree about.
func (e Expectation) apiWords() string {
	switch e.Sure {
	case SureDisputed:
		return fmt.Sprintf("is disputed: %s says that a passcode is generated, because %s; %s says none", newerDocument, e.Reason.Sentence(), olderDocument)
	case SureMeasured:
		return e.words("demands one", "demands none") + ", as was tried on this account"
	}
	return e.words("demands one", "demands none")
}

func (e Expectation) words(yes, no string) string {
	switch e.Passcode {
	case On:
		if e.Reason.Code == "" {
			return yes
		}
		return yes + ", because " + e.Reason.Sentence()
	case Off:
		if e.WhenChanged {
			return no + " until they are next changed, which gives them one, because " + e.Reason.Sentence()
		}
		return no
	}
	if e.Reason.Code == CausePMIJoin {
		return yes + " where people may join before the host, and none elsewhere: " + portalOf(e.Reason.Path)
	}
	if e.Reason.Code != "" {
		return "cannot be predicted, because " + e.Reason.Sentence()
	}
	return "cannot be predicted, because some of the host's settings are not known"
}

package passcode

import "strings"

// Forecast says whether a host's next meetings would demand a passcode, as
// their settings are now.
type Forecast struct {
	// Scheduled and Instant are meetings made without saying anything about
	// passcode or waiting room, so that they follow the host's settings.
	Scheduled Expectation `json:"scheduled"`
	Instant   Expectation `json:"instant"`
	PMI       Expectation `json:"pmi"`
	// Already: meetings that are scheduled already get a passcode too.
	Already Expectation `json:"already_scheduled"`
}

// Expectation is one kind of meeting of a forecast.
type Expectation struct {
	Passcode Toggle `json:"passcode"`
	// Reason is the setting that decides; its zero value when nothing demands.
	Reason Reason `json:"reason,omitzero"`
}

// ForecastFor predicts from a host's settings (Z-LOCK-1, Z-RULE-12).
func ForecastFor(h Host) Forecast {
	next := expect(h)
	f := Forecast{Scheduled: next, Instant: next}
	switch {
	case h.Plan.ForcesPasscode():
		// Z-LOCK-6: the plan forces both.
		f.PMI = next
	case h.Settings[KeyPMI].Contradiction:
		f.PMI.Reason = contradicting(KeyPMI, h.Settings[KeyPMI])
	case h.Settings[KeyPMI].Value == On:
		f.PMI = Expectation{Passcode: On, Reason: causeOf(KeyPMI, h.Settings[KeyPMI])}
	default:
		f.PMI.Passcode = h.Settings[KeyPMI].Value
	}
	switch {
	case h.Plan.ForcesPasscode():
		f.Already = next
	case h.Settings[KeyScheduled].Value == On:
		f.Already = Expectation{Passcode: On, Reason: settingReason(CauseScheduled, KeyScheduled, h.Settings[KeyScheduled])}
	default:
		f.Already.Passcode = h.Settings[KeyScheduled].Value
	}
	return f
}

// expect predicts a create that names no option.
func expect(h Host) Expectation {
	e := Expectation{Passcode: Predict(h, Request{}, Options{}).Passcode}
	if pass := h.Settings[KeyPasscode]; e.Passcode == Unknown && pass.Contradiction {
		e.Reason = contradicting(KeyPasscode, pass)
	}
	if e.Passcode != On {
		return e
	}
	switch {
	case h.Plan.ForcesPasscode():
		e.Reason = Reason{Code: CausePlan, Level: LevelPlan, By: string(h.Plan)}
	case h.Settings[KeyPasscode].Value == On:
		e.Reason = causeOf(KeyPasscode, h.Settings[KeyPasscode])
	default:
		e.Reason = settingReason(CauseAutoSecurity, KeyAutoSecurity, h.Settings[KeyAutoSecurity])
	}
	return e
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
	for _, e := range []Expectation{f.Scheduled, f.Instant, f.PMI, f.Already} {
		s += e.Passcode.String() + ":" + e.Reason.identity() + "|"
	}
	return s
}

// Sentence says the forecast in plain English.
func (f Forecast) Sentence() string {
	lines := []string{
		"The next scheduled or instant meeting " + f.Scheduled.words("will demand a passcode", "will not demand a passcode"),
		"a meeting under the personal meeting id " + f.PMI.words("demands a passcode", "demands none"),
		"meetings already scheduled " + f.Already.words("get passcodes too", "are left as they are"),
	}
	return strings.Join(lines, "; ") + "."
}

func (e Expectation) words(yes, no string) string {
	switch e.Passcode {
	case On:
		if e.Reason.Code == "" {
			return yes
		}
		return yes + ", because " + e.Reason.Sentence()
	case Off:
		return no
	}
	if e.Reason.Code != "" {
		return "cannot be predicted, because " + e.Reason.Sentence()
	}
	return "cannot be predicted, because some of the host's settings are not known"
}

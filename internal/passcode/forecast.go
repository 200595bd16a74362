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

// ForecastFor foretells from a host's settings (FACTS sections 3 and 4).
func ForecastFor(h Host) Forecast {
	next := expect(h)
	f := Forecast{Scheduled: next, Instant: next}
	switch {
	case h.Plan.ForcesPasscode():
		// FACTS section 3: the plan forces both.
		f.PMI = next
	case h.PMI.Contradiction:
	case h.PMI.Value == On:
		f.PMI = Expectation{Passcode: On, Reason: causeOf(PathPMI, h.PMI)}
	default:
		f.PMI.Passcode = h.PMI.Value
	}
	switch {
	case h.Plan.ForcesPasscode():
		f.Already = next
	case h.Scheduled.Value == On:
		f.Already = Expectation{Passcode: On, Reason: settingReason(CauseScheduled, PathScheduled, h.Scheduled)}
	default:
		f.Already.Passcode = h.Scheduled.Value
	}
	return f
}

// expect predicts a create that names no option.
func expect(h Host) Expectation {
	e := Expectation{Passcode: Predict(h, Request{}, Options{}).Passcode}
	if e.Passcode != On {
		return e
	}
	switch {
	case h.Plan.ForcesPasscode():
		e.Reason = Reason{Code: CausePlan, Path: PathPasscode, Level: LevelPlan, Value: On, Locked: true, By: string(h.Plan)}
	case h.Passcode.Value == On:
		e.Reason = causeOf(PathPasscode, h.Passcode)
	default:
		e.Reason = settingReason(CauseAutoSecurity, PathAutoSecurity, h.AutoSecurity)
	}
	return e
}

// causeOf names a setting that is on as the cause, locked or not.
func causeOf(path string, s Setting) Reason {
	if s.lockedOn() {
		return settingReason(CauseLockedOn, path, s)
	}
	return settingReason(CauseSettingOn, path, s)
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
	return "cannot be foretold, since not all of the settings are known"
}

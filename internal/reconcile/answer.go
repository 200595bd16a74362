package reconcile

import (
	"context"
	"errors"
	"time"

	"latchkey/internal/store"
	"latchkey/internal/work"
	"latchkey/internal/zoom"
)

// did is what became of a change that Zoom was asked for.
type did uint8

const (
	done      did = iota // Zoom says that it did it; only reading back proves it
	notDone              // Zoom looked at it and did not do it
	unsure               // nobody can say: no answer, half of one, a server error
	notLooked            // Zoom did not look at it: a limit, the credentials, a proxy
)

// fault is where the reason for a failure lies. It decides who is told and when
// the work is tried again.
type fault string

const (
	faultNone    fault = ""
	faultSetup   fault = "setup"   // ours: credentials, scopes, a proxy; tried again when it is mended
	faultSubject fault = "subject" // Zoom's word about this meeting, host or group
	faultMoment  fault = "moment"  // it passes by itself
	faultDefect  fault = "defect"  // of latchkey, or of a row: an operator must look
	faultLost    fault = "lost"    // another worker has it
)

// answer is what an answer of Zoom's, or of the database, means here.
type answer struct {
	did   did
	fault fault
	// missing: Zoom says that it does not know the subject.
	missing bool
	kind    zoom.Kind // "" for what is not Zoom's
}

// answers has a row for every kind of answer. Nothing else in this package
// decides on kinds, except for what a kind says of a meeting: that its number is
// a webinar's, or that its host's day is used up.
var answers = map[zoom.Kind]answer{
	zoom.KindUnauthorized: {did: notLooked, fault: faultSetup},
	zoom.KindScope:        {did: notLooked, fault: faultSetup},
	zoom.KindForeign:      {did: notLooked, fault: faultSetup},
	// No permission is our own set-up until shown otherwise (see judge).
	zoom.KindForbidden:  {did: notDone, fault: faultSetup},
	zoom.KindNotFound:   {did: notDone, fault: faultSubject, missing: true},
	zoom.KindBusy:       {did: notDone, fault: faultSubject},
	zoom.KindWebinar:    {did: notDone, fault: faultSubject},
	zoom.KindRefused:    {did: notDone, fault: faultSubject},
	zoom.KindInvalid:    {did: notDone, fault: faultSubject},
	zoom.KindPaidOnly:   {did: notDone, fault: faultSubject},
	zoom.KindRateSecond: {did: notLooked, fault: faultMoment},
	zoom.KindRateDay:    {did: notLooked, fault: faultMoment},
	zoom.KindHostDay:    {did: notLooked, fault: faultMoment},
	zoom.KindServer:     {did: unsure, fault: faultMoment},
	zoom.KindTransport:  {did: unsure, fault: faultMoment},
	zoom.KindBadAnswer:  {did: unsure, fault: faultMoment},
}

// answerOf maps every error this package meets.
func answerOf(err error) answer {
	var panicked *work.PanicError
	switch {
	case err == nil:
		return answer{did: done}
	case errors.Is(err, store.ErrLeaseLost), errors.Is(err, work.ErrLeaseLost):
		return answer{did: unsure, fault: faultLost}
	case errors.As(err, &panicked):
		return answer{did: unsure, fault: faultDefect}
	}
	kind := zoom.KindOf(err)
	if a, known := answers[kind]; known {
		a.kind = kind
		return a
	}
	if store.Unavailable(err) {
		return answer{did: unsure, fault: faultMoment}
	}
	return answer{did: unsure, fault: faultDefect}
}

// shownWithin is how recently a call must have worked for a refusal to be about
// its subject.
const shownWithin = time.Hour

// judge is answerOf, with the one thing that a single answer cannot tell: "no
// permission" is about this meeting or host when the same call works for others,
// and else about our set-up.
func (w *Worker) judge(ctx context.Context, accountID string, err error) answer {
	a := answerOf(err)
	var e *zoom.Error
	if a.kind != zoom.KindForbidden || !errors.As(err, &e) {
		return a
	}
	if works, err := w.o.Store.RecentlyWorked(ctx, accountID, e.Op, shownWithin); err == nil && works {
		a.fault = faultSubject
	}
	return a
}

// How long work waits after a failure: at first, and at most.
const (
	momentFirst, momentLongest   = time.Second, 5 * time.Minute
	subjectFirst, subjectLongest = time.Minute, time.Hour
	// What waits for our set-up is woken when that works again; this is for the
	// case that nobody does.
	setupAgain = 6 * time.Hour
)

// again is how long to wait before attempt n+1.
func (a answer) again(err error, n int) time.Duration {
	var e *zoom.Error
	if errors.As(err, &e) && !e.RetryAt.IsZero() {
		// By this process's clock, as the client read it.
		return max(time.Until(e.RetryAt), momentFirst)
	}
	switch a.fault {
	case faultSetup:
		return setupAgain
	case faultSubject, faultDefect:
		return work.Backoff(n, subjectFirst, subjectLongest)
	}
	return work.Backoff(n, momentFirst, momentLongest)
}

// callOf names the Zoom call that an error is about.
func callOf(err error) string {
	var e *zoom.Error
	if errors.As(err, &e) {
		return e.Op
	}
	return ""
}

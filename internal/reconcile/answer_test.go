package reconcile

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"latchkey/internal/store"
	"latchkey/internal/work"
	"latchkey/internal/zoom"
)

// wanted says what each kind of answer means, once more and by itself: the table
// is what decides about people's meetings.
var wanted = map[zoom.Kind]answer{
	zoom.KindUnauthorized: {did: notLooked, fault: faultSetup},
	zoom.KindScope:        {did: notLooked, fault: faultSetup},
	zoom.KindForeign:      {did: notLooked, fault: faultSetup},
	zoom.KindForbidden:    {did: notDone, fault: faultSetup},
	zoom.KindNotFound:     {did: notDone, fault: faultSubject, missing: true},
	zoom.KindBusy:         {did: notDone, fault: faultSubject},
	zoom.KindWebinar:      {did: notDone, fault: faultSubject},
	zoom.KindRefused:      {did: notDone, fault: faultSubject},
	zoom.KindInvalid:      {did: notDone, fault: faultSubject},
	zoom.KindPaidOnly:     {did: notDone, fault: faultSubject},
	zoom.KindRateSecond:   {did: notLooked, fault: faultMoment},
	zoom.KindRateDay:      {did: notLooked, fault: faultMoment},
	zoom.KindHostDay:      {did: notLooked, fault: faultMoment},
	zoom.KindServer:       {did: unsure, fault: faultMoment},
	zoom.KindTransport:    {did: unsure, fault: faultMoment},
	zoom.KindBadAnswer:    {did: unsure, fault: faultMoment},
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	if len(answers) != len(zoom.Kinds()) {
		t.Errorf("%d rows for %d kinds", len(answers), len(zoom.Kinds()))
	}
	for _, kind := range zoom.Kinds() {
		want, there := wanted[kind]
		if !there {
			t.Errorf("nobody says what %s means", kind)
		}
		want.kind = kind
		if got := answerOf(fmt.Errorf("check: %w", &zoom.Error{Kind: kind})); got != want {
			t.Errorf("%s means %+v, want %+v", kind, got, want)
		}
	}
	for name, c := range map[string]struct {
		err  error
		want answer
	}{
		"nothing wrong":                 {nil, answer{did: done}},
		"the lease was lost":            {fmt.Errorf("record: %w", store.ErrLeaseLost), answer{did: unsure, fault: faultLost}},
		"the lease ran out":             {errors.Join(work.ErrLeaseLost, context.Canceled), answer{did: unsure, fault: faultLost}},
		"a panic":                       {&work.PanicError{Value: "x"}, answer{did: unsure, fault: faultDefect}},
		"the database is shutting down": {&pgconn.PgError{Code: "57P01"}, answer{did: unsure, fault: faultMoment}},
		"a deadlock":                    {&pgconn.PgError{Code: "40P01"}, answer{did: unsure, fault: faultMoment}},
		"the database's password is being changed": {&pgconn.PgError{Code: "28P01"}, answer{did: unsure, fault: faultMoment}},
		"not migrated yet":                         {&pgconn.PgError{Code: "42P01"}, answer{did: unsure, fault: faultMoment}},
		"the time is up":                           {context.DeadlineExceeded, answer{did: unsure, fault: faultMoment}},
		"a value the database refuses":             {&pgconn.PgError{Code: "22021"}, answer{did: unsure, fault: faultDefect}},
		"a constraint":                             {&pgconn.PgError{Code: "23514"}, answer{did: unsure, fault: faultDefect}},
		"a row that is not there":                  {store.ErrNotFound, answer{did: unsure, fault: faultDefect}},
		"a kind from the future":                   {&zoom.Error{Kind: "new"}, answer{did: unsure, fault: faultMoment}},
	} {
		if got := answerOf(c.err); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestAgain(t *testing.T) {
	t.Parallel()
	server, refused, scope := &zoom.Error{Kind: zoom.KindServer}, &zoom.Error{Kind: zoom.KindRefused}, &zoom.Error{Kind: zoom.KindScope}
	for name, c := range map[string]struct {
		err     error
		attempt int
		want    time.Duration
	}{
		"the moment, at first":                {server, 1, time.Second},
		"the moment, later":                   {server, 4, 8 * time.Second},
		"the moment, bounded":                 {server, 1 << 30, 5 * time.Minute},
		"its subject, at first":               {refused, 1, time.Minute},
		"its subject, later":                  {refused, 5, 16 * time.Minute},
		"its subject, bounded":                {refused, 1 << 30, time.Hour},
		"our set-up: woken when it is mended": {scope, 1, setupAgain},
		"a defect, like a subject":            {errors.New("x"), 1, time.Second},
		"a panic":                             {&work.PanicError{Value: "x"}, 1, time.Minute},
	} {
		if got := answerOf(c.err).again(c.err, c.attempt); got != c.want {
			t.Errorf("%s: again in %v, want %v", name, got, c.want)
		}
	}
	limited := &zoom.Error{Kind: zoom.KindRateDay, RetryAt: time.Now().Add(4 * time.Hour)}
	if got := answerOf(limited).again(limited, 7); got < 4*time.Hour-time.Minute || got > 4*time.Hour {
		t.Errorf("Zoom said in 4 h, and it is again in %v", got)
	}
	past := &zoom.Error{Kind: zoom.KindRateDay, RetryAt: time.Now().Add(-time.Hour)}
	if got := answerOf(past).again(past, 7); got != momentFirst {
		t.Errorf("Zoom said an hour ago, and it is again in %v", got)
	}
	// Never now, and never sooner for trying more.
	for _, err := range []error{server, refused, scope} {
		last := time.Duration(0)
		for n := range 40 {
			d := answerOf(err).again(err, n)
			if d < max(last, time.Second) {
				t.Errorf("%v, attempt %d: again in %v after %v", err, n, d, last)
			}
			last = d
		}
	}
}

// TestNoPermissionIsOursUntilShownOtherwise: the same 403 is about our set-up
// when the call works for nobody, and about its subject when it works for others.
func TestNoPermissionIsOursUntilShownOtherwise(t *testing.T) {
	t.Parallel()
	w, _ := newWorker(t, &fakeZoom{})
	forbidden := &zoom.Error{Kind: zoom.KindForbidden, Op: zoom.CallPatchMeeting, Message: "No permission."}
	if a := w.judge(t.Context(), "acc", forbidden); a.fault != faultSetup {
		t.Errorf("at first: %+v", a)
	}
	if err := w.o.Store.CallsWorked(t.Context(), "acc", []string{zoom.CallGetMeeting}); err != nil {
		t.Fatal(err)
	}
	if a := w.judge(t.Context(), "acc", forbidden); a.fault != faultSetup {
		t.Errorf("another call works: %+v", a)
	}
	if err := w.o.Store.CallsWorked(t.Context(), "acc", []string{zoom.CallPatchMeeting}); err != nil {
		t.Fatal(err)
	}
	if a := w.judge(t.Context(), "acc", forbidden); a.fault != faultSubject {
		t.Errorf("it works for others: %+v", a)
	}
	if a := w.judge(t.Context(), "another", forbidden); a.fault != faultSetup {
		t.Errorf("another account: %+v", a)
	}
}

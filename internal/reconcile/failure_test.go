package reconcile

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"latchkey/internal/store"
	"latchkey/internal/zoom"
)

// actions says what is done about each kind of Zoom's errors.
var actions = map[zoom.Kind]action{
	zoom.KindUnauthorized: actPerson,
	zoom.KindForbidden:    actPerson,
	zoom.KindNotFound:     actGone,
	zoom.KindBusy:         actRetry,
	zoom.KindRateSecond:   actDefer,
	zoom.KindRateDay:      actDefer,
	zoom.KindHostDay:      actDefer,
	zoom.KindPaidOnly:     actPerson,
	zoom.KindInvalid:      actPerson,
	zoom.KindServer:       actRetry,
	zoom.KindTransport:    actRetry,
	zoom.KindBadAnswer:    actRetry,
}

// Every kind that package zoom knows has a row, so a new one is not forgotten.
func TestEveryKindHasAnAction(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "../zoom/errors.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []zoom.Kind
	for _, d := range file.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.CONST {
			continue
		}
		for _, s := range g.Specs {
			v := s.(*ast.ValueSpec)
			if id, ok := v.Type.(*ast.Ident); ok && id.Name == "Kind" {
				word, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				kinds = append(kinds, zoom.Kind(word))
			}
		}
	}
	slices.Sort(kinds)
	if rows := slices.Sorted(maps.Keys(actions)); !slices.Equal(kinds, rows) {
		t.Errorf("zoom has the kinds %v, rows are there for %v", kinds, rows)
	}
}

func TestClassify(t *testing.T) {
	t.Parallel()
	type row struct {
		err  error
		want action
	}
	rows := map[string]row{
		"an event that cannot be read":             {errUnusable{errors.New("x")}, actDead},
		"wrapped":                                  {fmt.Errorf("y: %w", errUnusable{errors.New("x")}), actDead},
		"unusable, whatever the cause":             {errUnusable{&zoom.Error{Kind: zoom.KindServer}}, actDead},
		"the lease was lost":                       {fmt.Errorf("record: %w", store.ErrLeaseLost), actLost},
		"the database is shutting down":            {&pgconn.PgError{Code: "57P01"}, actRetry},
		"a deadlock":                               {&pgconn.PgError{Code: "40P01"}, actRetry},
		"the database's password is being changed": {&pgconn.PgError{Code: "28P01"}, actRetry},
		"not migrated yet":                         {&pgconn.PgError{Code: "42P01"}, actRetry},
		"the time is up":                           {context.DeadlineExceeded, actRetry},
		"stopped":                                  {context.Canceled, actRetry},
		"a value the database refuses":             {&pgconn.PgError{Code: "22021"}, actDead},
		"a constraint":                             {&pgconn.PgError{Code: "23514"}, actDead},
		"a row that is not there":                  {store.ErrNotFound, actDead},
		"a kind from the future":                   {&zoom.Error{Kind: "new"}, actRetry},
	}
	for kind, want := range actions {
		rows["zoom: "+string(kind)] = row{fmt.Errorf("check: %w", &zoom.Error{Kind: kind}), want}
	}
	for name, r := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := classify(r.err); got != r.want {
				t.Errorf("classify(%v) = %v, want %v", r.err, got, r.want)
			}
		})
	}
}

func TestRetryAt(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 20, 0, 0, 0, time.UTC)
	server := &zoom.Error{Kind: zoom.KindServer}
	person := &zoom.Error{Kind: zoom.KindForbidden}
	day := func(at time.Time) error { return &zoom.Error{Kind: zoom.KindRateDay, RetryAt: at} }
	for name, c := range map[string]struct {
		err      error
		attempts int
		want     time.Duration
	}{
		"at first at once, nearly":        {server, 0, time.Second},
		"then later":                      {server, 3, 8 * time.Second},
		"bounded":                         {server, 8, 256 * time.Second},
		"bounded for ever":                {server, 1 << 30, 256 * time.Second},
		"a person, at first":              {person, 0, time.Minute},
		"a person, later":                 {person, 4, 16 * time.Minute},
		"a person, bounded":               {person, 6, time.Hour},
		"a person, bounded for ever":      {person, 1 << 30, time.Hour},
		"dead, like a person":             {errUnusable{errors.New("x")}, 0, time.Minute},
		"when Zoom said":                  {day(now.Add(4 * time.Hour)), 7, 4 * time.Hour},
		"when Zoom said, wrapped":         {fmt.Errorf("x: %w", day(now.Add(3*time.Hour))), 0, 3 * time.Hour},
		"Zoom said a time that is past":   {day(now.Add(-time.Hour)), 2, 4 * time.Second},
		"Zoom said this very moment":      {day(now), 2, 4 * time.Second},
		"Zoom did not say":                {day(time.Time{}), 2, 4 * time.Second},
		"said, but it is not for waiting": {&zoom.Error{Kind: zoom.KindServer, RetryAt: now.Add(time.Hour)}, 0, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := retryAt(c.err, c.attempts, now).Sub(now); got != c.want {
				t.Errorf("again in %v, want %v", got, c.want)
			}
		})
	}
	// Never now, never further than said, and never sooner for trying more.
	for _, err := range []error{server, person, day(time.Time{})} {
		last := time.Duration(0)
		for n := range 40 {
			d := retryAt(err, n, now).Sub(now)
			if d < max(last, time.Second) || d > time.Hour {
				t.Errorf("%v, attempt %d: again in %v after %v", err, n, d, last)
			}
			last = d
		}
	}
}

func TestActionsHaveNames(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for a := actRetry; a <= actLost; a++ {
		if a.String() == "" || seen[a.String()] {
			t.Errorf("action %d is called %q", a, a)
		}
		seen[a.String()] = true
	}
}

package store

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"latchkey/internal/passcode"
	"latchkey/internal/secret"
	"latchkey/internal/testenv"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }

// migratedURL is a database of the test's own with the whole schema.
func migratedURL(t testing.TB) string {
	t.Helper()
	return testenv.PostgresURLFrom(t, "migrated", func(ctx context.Context, url string) error {
		_, err := Migrate(ctx, url)
		return err
	})
}

// openStore is the store as a worker has it: its login owns nothing and has the
// rights of latchkey_worker alone. What tests arrange themselves they do as the
// owner (exec, value).
func openStore(t testing.TB) *Store {
	t.Helper()
	raw := migratedURL(t)
	s := openURL(t, testenv.LoginURL(t, raw, "latchkey_worker"))
	owners.Store(s, openURL(t, raw))
	t.Cleanup(func() { owners.Delete(s) })
	return s
}

// owners holds, for a Store that has a worker's rights, the same database's owner.
var owners sync.Map

func owner(s *Store) *Store {
	if o, ok := owners.Load(s); ok {
		return o.(*Store)
	}
	return s
}

func openURL(t testing.TB, url string) *Store {
	t.Helper()
	s, err := Open(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func exec(t testing.TB, s *Store, sql string, args ...any) {
	t.Helper()
	if _, err := owner(s).pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func value[T any](t testing.TB, s *Store, sql string, args ...any) T {
	t.Helper()
	var v T
	if err := owner(s).pool.QueryRow(t.Context(), sql, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// addMeeting puts in a row that is due and starts so long from now.
func addMeeting(t testing.TB, s *Store, id int64, host string, startsIn time.Duration) {
	t.Helper()
	exec(t, s, `INSERT INTO meetings (meeting_id, account_id, host_id, start_time, ends_at, due_at, due_why, generation)
		VALUES ($1, 'acc', $2, now() + $3 * interval '1 second', now() + ($3 + 3600) * interval '1 second', now() - interval '1 second', 'test', 1)`,
		id, host, startsIn.Seconds())
}

// clearing is a repair that is about to remove a passcode.
func clearing() Repair {
	return Repair{Remedy: passcode.RemedyClear, AskedPasscode: passcode.AskOff.String(), AskedWaitingRoom: true}
}

// seen is a passcode that was seen, by nobody named.
func seen(value secret.String) *PasscodeSeen { return &PasscodeSeen{Value: value} }

// claimHost takes exactly one due host.
func claimHost(t testing.TB, s *Store) HostClaim {
	t.Helper()
	claims, err := s.ClaimHosts(t.Context(), "w", 10, time.Hour)
	noError(t, err)
	if len(claims) != 1 {
		t.Fatalf("%d hosts were claimed, want 1", len(claims))
	}
	return claims[0]
}

// nearly says whether a time is so far from the database's now, give or take a
// few seconds of a slow machine.
func nearly(t testing.TB, s *Store, at time.Time, away time.Duration) bool {
	t.Helper()
	return value[bool](t, s, `SELECT abs(extract(epoch FROM $1::timestamptz - now()) - $2::float8) < 10`, at, away.Seconds())
}

// inEvent runs f in the transaction of an event that nobody sent before.
func inEvent(t testing.TB, s *Store, f func(*IntakeTx) error) {
	t.Helper()
	id := value[string](t, s, `SELECT gen_random_uuid()::text`)
	recorded, err := s.intakeOne(t.Context(), Event{ID: id, AccountID: "acc", Name: "test", ReceivedAt: time.Now()}, f)
	if err != nil || !recorded {
		t.Fatalf("Intake: recorded %v, %v", recorded, err)
	}
}

// intakeOne takes one event in; its account is the event's.
func (s *Store) intakeOne(ctx context.Context, e Event, apply func(*IntakeTx) error) (bool, error) {
	fresh, err := s.Intake(ctx, e.AccountID, []Event{e}, func(tx *IntakeTx, _ []bool) error { return apply(tx) })
	return err == nil && fresh[0], err
}

// The calls for one of what there may be many.

func (t *IntakeTx) meeting(ctx context.Context, id int64) (Meeting, error) {
	all, err := t.Meetings(ctx, []int64{id})
	return all[id], err
}

func (t *IntakeTx) saveMeeting(ctx context.Context, m Meeting, p *PasscodeSeen, rotated RotatedAlert) error {
	return t.SaveMeetings(ctx, []SeenMeeting{{Meeting: m, Passcode: p}}, rotated)
}

func (t *IntakeTx) markMeeting(ctx context.Context, id int64, why string) error {
	m, err := t.meeting(ctx, id)
	if err != nil {
		return err
	}
	return t.SaveMeetings(ctx, []SeenMeeting{{Meeting: m, Why: why}}, nil)
}

func (t *IntakeTx) hostKnown(ctx context.Context, id string) (KnownHost, error) {
	all, err := t.HostsKnown(ctx, []string{id})
	return all[id], err
}

func (t *IntakeTx) passcode(ctx context.Context, id int64) (secret.String, error) {
	all, err := t.Passcodes(ctx, []int64{id})
	return all[id], err
}

func (t *IntakeTx) repairUnderWay(ctx context.Context, id int64) (bool, error) {
	all, err := t.RepairsUnderWay(ctx, []int64{id})
	return all[id], err
}

func mark(t testing.TB, s *Store, id int64) {
	t.Helper()
	inEvent(t, s, func(tx *IntakeTx) error { return tx.markMeeting(t.Context(), id, "marked") })
}

// claim takes exactly one due meeting.
func claim(t testing.TB, s *Store, owner string) MeetingClaim {
	t.Helper()
	claims, err := s.ClaimMeetings(t.Context(), owner, 1, time.Hour)
	noError(t, err)
	if len(claims) != 1 {
		t.Fatalf("%s claimed %d meetings, want 1", owner, len(claims))
	}
	return claims[0]
}

func claimNone(t testing.TB, s *Store, why string) {
	t.Helper()
	claims, err := s.ClaimMeetings(t.Context(), "nobody", 10, time.Hour)
	noError(t, err)
	if len(claims) != 0 {
		t.Errorf("%s: %d meetings could be claimed, want none", why, len(claims))
	}
}

// expire ends the lease of a meeting, as time would.
func expire(t testing.TB, s *Store, id int64) {
	t.Helper()
	exec(t, s, `UPDATE meetings SET lease_until = now() - interval '1 second' WHERE meeting_id = $1`, id)
}

func meeting(t testing.TB, s *Store, id int64) Meeting {
	t.Helper()
	m, err := s.Meeting(t.Context(), id)
	noError(t, err)
	return m
}

// decided is a claim's meeting with a verdict, as a check would report it.
func decided(c MeetingClaim, o passcode.Outcome, r passcode.Remedy) Meeting {
	m := c.Meeting
	m.Outcome, m.Remedy, m.Why = o, r, fmt.Sprintf("%s, %s", o, r)
	m.Signature = passcode.Verdict{Outcome: o, Remedy: r}.Signature()
	return m
}

// atOnce runs f n times at once and returns the errors.
func atOnce(n int, f func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"latchkey/internal/passcode"
	"latchkey/internal/testenv"
)

func TestUnavailable(t *testing.T) {
	t.Parallel()
	pg := func(code string) error { return fmt.Errorf("record: %w", &pgconn.PgError{Code: code}) }
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"no error":                        {nil, false},
		"not found":                       {fmt.Errorf("x: %w", ErrNotFound), false},
		"lease lost":                      {fmt.Errorf("x: %w", ErrLeaseLost), false},
		"deadline":                        {fmt.Errorf("x: %w", context.DeadlineExceeded), true},
		"canceled":                        {context.Canceled, true},
		"refused":                         {&net.OpError{Op: "dial", Err: errors.New("connection refused")}, true},
		"connection cut":                  {io.ErrUnexpectedEOF, true},
		"column that does not decode":     {fmt.Errorf("x: %w", pgx.ScanArgError{Err: errors.New("no number")}), false},
		"connection failure":              {pg("08006"), true},
		"too many connections":            {pg("53300"), true},
		"disk full":                       {pg("53100"), true},
		"shutting down":                   {pg("57P01"), true},
		"starting up":                     {pg("57P03"), true},
		"statement timeout":               {pg("57014"), true},
		"I/O error":                       {pg("58030"), true},
		"internal error":                  {pg("XX000"), true},
		"deadlock":                        {pg("40P01"), true},
		"serialization failure":           {pg("40001"), true},
		"lock not available":              {pg("55P03"), true},
		"idle in transaction for long":    {pg("25P03"), true},
		"standby, during a failover":      {pg("25006"), true},
		"pooler lost the statement":       {pg("26000"), true},
		"password being changed":          {pg("28P01"), true},
		"not in pg_hba":                   {pg("28000"), true},
		"database being restored":         {pg("3D000"), true},
		"plan that a migration staled":    {pg("0A000"), true},
		"table missing, not migrated yet": {pg("42P01"), true},
		"column missing":                  {pg("42703"), true},
		"right missing":                   {pg("42501"), true},
		"pooler's error without a code":   {pg(""), true},
		"unique violation":                {pg("23505"), false},
		"check violation":                 {pg("23514"), false},
		"not null violation":              {pg("23502"), false},
		"NUL in a text":                   {pg("22021"), false},
		"number out of range":             {pg("22003"), false},
		"time out of range":               {pg("22008"), false},
		"syntax error":                    {pg("42601"), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := Unavailable(c.err); got != c.want {
				t.Errorf("Unavailable(%v) = %v, want %v", c.err, got, c.want)
			}
		})
	}
}

// The same with the errors that pgx and the server really give.
func TestUnavailableOfRealErrors(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	intake := func(m Meeting) error {
		_, err := s.intakeOne(t.Context(), Event{ID: "e", AccountID: "acc", Name: "x", ReceivedAt: time.Now()}, func(tx *IntakeTx) error {
			old, err := tx.meeting(t.Context(), 1)
			if err != nil {
				return err
			}
			m.ID, m.AccountID, m.Status = old.ID, old.AccountID, old.Status
			return tx.saveMeeting(t.Context(), m, nil, nil)
		})
		return err
	}
	exec(t, s, `INSERT INTO hosts (host_id, account_id, group_ids) VALUES ('h', 'acc', '{g1,NULL}')`)
	_, scanErr := s.Host(t.Context(), "acc", "h")

	proxy, through := testenv.ProxyURL(t, migratedURL(t))
	cut := openURL(t, through)
	noError(t, cut.Ping(t.Context()))
	proxy.Cut()
	_, cutErr := cut.Counts(t.Context())

	empty := openURL(t, testenv.PostgresURL(t))
	_, missingErr := empty.Counts(t.Context())

	late, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	_, lateErr := s.Counts(late)

	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"a NUL":                        {intake(Meeting{Topic: "a\x00b"}), false},
		"a number that does not fit":   {intake(Meeting{Meeting: passcode.Meeting{Type: 1 << 40}}), false},
		"groups that are none":         {scanErr, false},
		"the connection is cut":        {cutErr, true},
		"the database is not migrated": {missingErr, true},
		"the time is up":               {lateErr, true},
	} {
		if c.err == nil {
			t.Errorf("%s: no error", name)
		} else if got := Unavailable(c.err); got != c.want {
			t.Errorf("%s: Unavailable(%v) = %v, want %v", name, c.err, got, c.want)
		}
	}
}

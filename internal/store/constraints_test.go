package store

import (
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// What the code believes is refused by the database where it is not so.
func TestWhatTheDatabaseRefuses(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	addMeeting(t, s, 1, "h", time.Hour)
	addHost(t, s, "h", "acc")
	exec(t, s, `INSERT INTO repairs (account_id, meeting_id, host_id, remedy, started_at) VALUES ('acc', 1, 'h', 'clear', now())`)
	for name, c := range map[string]struct{ sql, constraint string }{
		"a second unfinished repair":          {`INSERT INTO repairs (account_id, meeting_id, host_id, remedy, started_at) VALUES ('acc', 1, 'h', 'set', now())`, "repairs_unfinished"},
		"a result without an end":             {`UPDATE repairs SET result = 'held'`, "repairs_ended"},
		"an end without a result":             {`UPDATE repairs SET ended_at = now()`, "repairs_ended"},
		"an alignment without its end":        {`INSERT INTO alignments (host_id, account_id, setting, before, after, result, started_at) VALUES ('h', 'acc', 's', 'on', 'off', 'held', now())`, "alignments_ended"},
		"an outcome without a remedy":         {`UPDATE meetings SET outcome = 'joinable'`, "meetings_decided"},
		"a remedy without an outcome":         {`UPDATE meetings SET remedy = 'none'`, "meetings_decided"},
		"a lease of nobody":                   {`UPDATE meetings SET lease_until = now()`, "meetings_lease"},
		"a lease without an end":              {`UPDATE hosts SET lease_owner = 'w'`, "hosts_lease"},
		"a hold of everything that has an id": {`INSERT INTO holds (kind, id, reason, held_by) VALUES ('all', '1', 'r', 'b')`, "holds_of"},
		"a hold of no meeting":                {`INSERT INTO holds (kind, id, reason, held_by) VALUES ('meeting', '', 'r', 'b')`, "holds_of"},
		"a second outbox":                     {`INSERT INTO outbox DEFAULT VALUES`, "outbox_pkey"},
		"an outbox of nobody until then":      {`UPDATE outbox SET lease_until = now()`, "outbox_lease"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := s.pool.Exec(t.Context(), c.sql)
			var pg *pgconn.PgError
			if !errors.As(err, &pg) || pg.ConstraintName != c.constraint {
				t.Errorf("%v, want it refused by %s", err, c.constraint)
			}
		})
	}
}

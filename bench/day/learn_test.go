package day

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"latchkey/internal/store"
	"latchkey/internal/zoomsim"
)

// learn has latchkey read two hosts for real, and gives the others copies of their rows:
// to read 10 000 hosts with ten meetings each takes a week of the sweep's calls.
func (l *latchkey) learn(t *testing.T, a account, sim *zoomsim.Server) {
	t.Helper()
	var first []store.User
	for i := range learned {
		first = append(first, store.User{ID: hostID(i), Email: email(i)})
	}
	stop := l.run(a)
	if _, err := l.store.UsersDue(t.Context(), accountID, time.Hour); err != nil {
		t.Fatal(err)
	}
	if _, err := l.store.SaveUsers(t.Context(), accountID, first, 1); err != nil {
		t.Fatal(err)
	}
	time.Sleep(3 * time.Minute)
	if !l.quiet(time.Hour) {
		t.Fatal("the first hosts are not learned")
	}
	stop()
	if n := ask[int](t, l.pool, `SELECT count(*) FROM meetings WHERE outcome = 'joinable' AND NOT must_read`); n != learned*meetingsEach {
		t.Fatalf("%d meetings of the first hosts are known", n)
	}
	var hosts, emails, groups, templates []string
	var pmis []int64
	var ids []int64
	var uuids, theirs []string
	var starts []time.Time
	for i := learned; i < a.hosts; i++ {
		template := 0
		if settingOn(i) {
			template = 1
		}
		hosts, emails, groups, templates, pmis = append(hosts, hostID(i)), append(emails, email(i)), append(groups, a.groupID(i)), append(templates, hostID(template)), append(pmis, pmi(i))
		for j := range meetingsEach {
			m, ok := sim.Meeting(meetingID(i, j))
			if !ok {
				t.Fatalf("meeting %d is not at Zoom", meetingID(i, j))
			}
			ids, uuids, theirs, starts = append(ids, m.ID), append(uuids, m.UUID), append(theirs, m.HostID), append(starts, m.StartTime)
		}
	}
	exec := func(sql string, args ...any) {
		t.Helper()
		if _, err := l.pool.Exec(t.Context(), sql, args...); err != nil {
			t.Fatal(fmt.Errorf("%.60s: %w", sql, err))
		}
	}
	exec(`INSERT INTO groups (`+columns(t, l, "groups", "group_id", "name")+`, group_id, name) SELECT `+columns(t, l, "groups", "group_id", "name")+`, g, 'Group ' || g
		FROM groups, (SELECT DISTINCT unnest($1::text[]) AS g) u ON CONFLICT DO NOTHING`, groups)
	own := []string{"host_id", "email", "group_ids", "pmi", "swept_at", "due_at"}
	// The last round of the sweep was in the week before.
	exec(`INSERT INTO hosts (`+columns(t, l, "hosts", own...)+`, host_id, email, group_ids, pmi, swept_at) SELECT `+columns(t, l, "hosts", own...)+`, u.id, u.address, ARRAY[u.grp], u.number, now() - random() * interval '7 days'
		FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[]) AS u(id, address, grp, number, template) JOIN hosts h ON h.host_id = u.template`, hosts, emails, groups, pmis, templates)
	own = []string{"meeting_id", "uuid", "host_id", "start_time", "ends_at", "due_at", "topic", "expires_at"}
	exec(`INSERT INTO meetings (`+columns(t, l, "meetings", own...)+`, meeting_id, uuid, host_id, start_time, ends_at, topic) SELECT `+columns(t, l, "meetings", own...)+`, u.id, u.uuid, u.host, u.starts, u.starts + interval '30 minutes', 'Standing'
		FROM unnest($1::bigint[], $2::text[], $3::text[], $4::timestamptz[]) AS u(id, uuid, host, starts) JOIN meetings m ON m.meeting_id = $5`, ids, uuids, theirs, starts, meetingID(0, 0))
	exec(`UPDATE sweeps SET users_at = now()`)
	exec(`ANALYZE`)
}

// columns are those of a table, but for some.
func columns(t *testing.T, l *latchkey, table string, but ...string) string {
	t.Helper()
	all := ask[[]string](t, l.pool, `SELECT array_agg(attname::text ORDER BY attnum) FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped AND NOT attname = ANY($2)`, table, but)
	return strings.Join(all, ", ")
}

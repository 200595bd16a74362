package store

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"latchkey/internal/passcode"
)

func words[T ~string](in []T) []string {
	out := make([]string, len(in))
	for i, w := range in {
		out[i] = string(w)
	}
	slices.Sort(out)
	return out
}

func toggles() []string {
	return words([]string{passcode.Unknown.String(), passcode.Off.String(), passcode.On.String()})
}

// Every CHECK (column IN (…)) of the schema, and the Go constants it must
// equal. A CHECK without a row here fails, so a new closed set is not forgotten.
func TestClosedSetsAreTheSameInGoAndSQL(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	var changing []string
	for _, r := range passcode.Remedies() {
		if r.Changes() {
			changing = append(changing, string(r))
		}
	}
	slices.Sort(changing)
	want := map[string][]string{
		"meetings.status":         words(passcode.Statuses()),
		"meetings.passcode":       toggles(),
		"meetings.waiting_room":   toggles(),
		"meetings.authentication": toggles(),
		"meetings.outcome":        words(passcode.Outcomes()),
		"meetings.remedy":         words(passcode.Remedies()),
		"meetings.would":          words(passcode.Remedies()),
		"verdicts.outcome":        words(passcode.Outcomes()),
		"verdicts.remedy":         words(passcode.Remedies()),
		// A repair is one of the remedies that change a meeting.
		"repairs.remedy":             changing,
		"repairs.result":             words(RepairResults()),
		"holds.kind":                 words(passcode.HoldKinds()),
		"setting_changes.level":      words([]passcode.Level{passcode.LevelHost, passcode.LevelGroup, passcode.LevelAccount}),
		"setting_changes.old_value":  toggles(),
		"setting_changes.new_value":  toggles(),
		"accounts.plan":              words([]passcode.Plan{passcode.PlanUnknown, passcode.PlanFree, passcode.PlanProSingleHost, passcode.PlanPaid}),
		"meetings.link_has_passcode": toggles(),
		"meetings.phone_passcode":    toggles(),
		"accounts.documents":         words(passcode.AllDocuments()),
		"alignments.before":          {"off", "on"},
		"alignments.after":           {"off", "on"},
		"alignments.result":          words(AlignmentResults()),
		"fanouts.level":              words([]passcode.Level{passcode.LevelAccount, passcode.LevelGroup}),
		"sweep_rounds.scope":         words([]passcode.Level{passcode.LevelAccount, passcode.LevelGroup, passcode.LevelHost}),
		"fanouts.phase":              {phaseHosts, phaseMeetings},
		"setting_changes.what":       words(ChangeKinds()),
		"passcodes.source":           words(PasscodeSources()),
		"passcodes.state":            words(PasscodeStates()),
		// A passcode is changed by whoever is its source.
		"passcode_changes.changed_by": words(PasscodeSources()),
		"repairs.asked_passcode":      words([]string{passcode.AskNothing.String(), passcode.AskOff.String(), passcode.AskOn.String()}),
	}
	got := map[string][]string{}
	rows, err := s.pool.Query(t.Context(), `SELECT conrelid::regclass::text || '.' || attname, pg_get_constraintdef(c.oid)
		FROM pg_constraint c JOIN pg_attribute a ON attrelid = conrelid AND attnum = conkey[1] WHERE contype = 'c' AND cardinality(conkey) = 1 AND NOT EXISTS (SELECT FROM pg_class r WHERE r.oid = conrelid AND relispartition)`)
	noError(t, err)
	var column, def string
	literal := regexp.MustCompile(`'([^']*)'::text`)
	_, err = pgx.ForEachRow(rows, []any{&column, &def}, func() error {
		var set []string
		for _, m := range literal.FindAllStringSubmatch(def, -1) {
			set = append(set, m[1])
		}
		if set != nil {
			slices.Sort(set)
			got[column] = set
		}
		return nil
	})
	noError(t, err)
	for _, c := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[c]; !ok {
			t.Errorf("%s has a closed set that no row of this test holds to Go: %v", c, got[c])
		}
	}
	for c, set := range want {
		if !slices.Equal(got[c], set) {
			t.Errorf("%s: SQL has %q, Go has %q", c, got[c], set)
		}
	}
}

type edge struct{ from, to, why string }

// diagram reads the mermaid diagram below a heading of docs/states.md.
func diagram(t *testing.T, heading string) (states []string, edges []edge) {
	t.Helper()
	doc, err := os.ReadFile("../../docs/states.md")
	noError(t, err)
	_, section, ok := strings.Cut(string(doc), "\n## "+heading+"\n")
	if !ok {
		t.Fatalf("docs/states.md has no section %q", heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	_, text, ok := strings.Cut(section, "```mermaid\nstateDiagram-v2\n")
	if !ok {
		t.Fatalf("section %q has no state diagram", heading)
	}
	text, _, _ = strings.Cut(text, "```")
	line := regexp.MustCompile(`^ +(\S+) --> (\S+) : (.+)$`)
	set := map[string]bool{}
	for l := range strings.Lines(text) {
		m := line.FindStringSubmatch(strings.TrimRight(l, "\n"))
		if m == nil {
			t.Fatalf("section %q: a line that is no transition: %q", heading, l)
		}
		edges = append(edges, edge{m[1], m[2], m[3]})
		set[m[1]], set[m[2]] = true, true
	}
	delete(set, "[*]")
	return slices.Sorted(maps.Keys(set)), edges
}

func TestDiagramsNameTheSameStates(t *testing.T) {
	t.Parallel()
	for heading, want := range map[string][]string{
		"A meeting's status": words(passcode.Statuses()),
		"A check":            {"due", "idle", "leased"},
		"A repair's result":  words(RepairResults()),
	} {
		if got, _ := diagram(t, heading); !slices.Equal(got, want) {
			t.Errorf("%s: drawn are %v, in Go there are %v", heading, got, want)
		}
	}
}

// Each transition that is drawn for a check is made, and ends where it is drawn.
func TestCheckDiagramIsTrue(t *testing.T) {
	t.Parallel()
	const idle = `INSERT INTO meetings (meeting_id, account_id) VALUES (1, 'acc')`
	make := map[edge]func(*testing.T, *Store){
		{"[*]", "due", "first event"}: func(t *testing.T, s *Store) { mark(t, s, 1) },
		{"idle", "due", "event"}:      func(t *testing.T, s *Store) { mark(t, s, 1) },
		{"idle", "due", "its time came"}: func(t *testing.T, s *Store) {
			exec(t, s, `UPDATE meetings SET due_at = now() WHERE meeting_id = 1`)
		},
		{"due", "leased", "claim"}: func(t *testing.T, s *Store) { claim(t, s, "w") },
	}
	leased := map[edge]func(*testing.T, *Store, MeetingClaim){
		{"leased", "leased", "heartbeat"}: func(t *testing.T, s *Store, c MeetingClaim) {
			noError(t, s.Heartbeat(t.Context(), c.Lease, time.Hour))
		},
		{"leased", "idle", "complete"}: func(t *testing.T, s *Store, c MeetingClaim) {
			noError(t, s.Complete(t.Context(), c, Check{Meeting: c.Meeting}))
		},
		{"leased", "idle", "put off"}: func(t *testing.T, s *Store, c MeetingClaim) {
			noError(t, s.PutOff(t.Context(), c.Lease, time.Hour, "x", ""))
		},
		{"leased", "due", "complete, an event came meanwhile"}: func(t *testing.T, s *Store, c MeetingClaim) {
			mark(t, s, 1)
			noError(t, s.Complete(t.Context(), c, Check{Meeting: c.Meeting}))
		},
		{"leased", "due", "put off, an event came meanwhile"}: func(t *testing.T, s *Store, c MeetingClaim) {
			mark(t, s, 1)
			noError(t, s.PutOff(t.Context(), c.Lease, time.Hour, "x", ""))
		},
		{"leased", "due", "lease ran out"}: func(t *testing.T, s *Store, _ MeetingClaim) { expire(t, s, 1) },
	}
	state := func(t *testing.T, s *Store) string {
		return value[string](t, s, `SELECT CASE WHEN lease_until >= now() THEN 'leased' WHEN due_at <= now() THEN 'due' ELSE 'idle' END FROM meetings`)
	}
	_, edges := diagram(t, "A check")
	if len(edges) != len(make)+len(leased) {
		t.Errorf("%d transitions are drawn, %d are made here", len(edges), len(make)+len(leased))
	}
	for _, e := range edges {
		t.Run(e.from+" to "+e.to+" by "+e.why, func(t *testing.T) {
			t.Parallel()
			s := openStore(t)
			exec(t, s, idle)
			if e.from == "due" || e.from == "leased" {
				mark(t, s, 1)
			}
			switch {
			case make[e] != nil:
				make[e](t, s)
			case leased[e] != nil:
				leased[e](t, s, claim(t, s, "w"))
			default:
				t.Fatal("it is drawn, and nothing here makes it")
			}
			if got := state(t, s); got != e.to {
				t.Errorf("it is %s, drawn is %s", got, e.to)
			}
		})
	}
}

// Each result that is drawn can be written, and only from unfinished.
func TestRepairDiagramIsTrue(t *testing.T) {
	t.Parallel()
	_, edges := diagram(t, "A repair's result")
	for _, e := range edges {
		if e.from == "[*]" {
			if RepairResult(e.to) != RepairUnfinished {
				t.Errorf("a repair begins as %s", e.to)
			}
			continue
		}
		if RepairResult(e.from) != RepairUnfinished {
			t.Errorf("%s is drawn as if it could become %s", e.from, e.to)
		}
		t.Run(e.to, func(t *testing.T) {
			t.Parallel()
			s := openStore(t)
			addMeeting(t, s, 1, "host", time.Hour)
			c := claim(t, s, "w")
			r, err := s.BeginRepair(t.Context(), c, clearing(), "", nil)
			noError(t, err)
			if got := value[string](t, s, `SELECT result FROM repairs`); got != e.from {
				t.Errorf("it begins as %s", got)
			}
			noError(t, s.Complete(t.Context(), c, Check{Meeting: c.Meeting, Repair: Repair{ID: r.ID, Result: RepairResult(e.to)}}))
			if got := value[string](t, s, `SELECT result FROM repairs`); got != e.to {
				t.Errorf("it ended as %s", got)
			}
		})
	}
}

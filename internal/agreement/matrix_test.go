package agreement

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"latchkey/internal/passcode"
	"latchkey/internal/zoomsim"
)

// matrixRow is one of Zoom's 46 scenarios in a form of its own: which settings
// it is about, and what becomes of each option, in Zoom's words.
type matrixRow struct {
	op                   zoomsim.Op
	n                    int
	wr, pass, auth       string // alternatives separated by |; ! is locked
	given, absent        string // the passcode, if the request gives one or not
	waitingRoom, authRes string
}

const (
	create, update = zoomsim.Create, zoomsim.Update
	either         = "on|off"
)

var matrix = []matrixRow{
	{create, 1, "on!", "on!", "on!", "given", "generated", "on", "on"},
	{create, 2, "off!", either, either, "given", "generated unless authentication", "off", "request"},
	{create, 3, either, either, "off!", "given", "none", "on if passcode absent", "off"},
	{create, 4, either, "off!", either, "none", "none", "on if nothing else", "request"},
	{create, 5, "off!", "off!", "on|on!|off", "none", "none", "off", "on"},
	{create, 6, "off!", "on|on!|off", "off!", "given", "generated", "off", "off"},
	{create, 7, "on|on!|off", "off!", "off!", "none", "none", "on", "off"},
	{create, 8, "on!", either, either, "given", "none", "on", "request"},
	{create, 9, either, "on!", either, "given", "generated", "request", "request"},
	{create, 10, either, either, "on!", "given", "none", "request", "on"},
	{create, 11, "on!", "on!", either, "given", "generated", "on", "request"},
	{create, 12, "on!", either, "on!", "given", "none", "on", "on"},
	{create, 13, either, "on!", "on!", "given", "generated", "request", "on"},
	{create, 14, either, "on!", "off!", "given", "generated", "request", "off"},
	{create, 15, either, "off!", "on!", "none", "none", "request", "on"},
	{create, 16, "on!", either, "off!", "given", "none", "on", "off"},
	{create, 17, "off!", either, "on!", "given", "none", "off", "on"},
	{create, 18, "on!", "off!", either, "none", "none", "on", "request"},
	{create, 19, "off!", "on!", either, "given", "generated", "off", "request"},
	{create, 20, "off!", "on!", "on!", "given", "generated", "off", "on"},
	{create, 21, "on!", "off!", "on!", "none", "none", "on", "on"},
	{create, 22, "on!", "on!", "off!", "given", "generated", "on", "off"},
	{create, 23, either, either, either, "given", "none", "on if nothing else", "request"},
	{update, 1, "on!", "on!", "on!", "given", "kept else generated", "on", "on"},
	{update, 2, "off!", either, either, "given", "kept; generated unless authentication", "off", "request"},
	{update, 3, either, "off!", either, "none", "none", "on if nothing else", "request"},
	{update, 4, either, either, "off!", "given", "kept", "on if nothing else", "off"},
	{update, 5, "off!", "off!", "on|on!|off", "none", "none", "off", "on"},
	{update, 6, "off!", "on|on!|off", "off!", "given", "kept else generated", "off", "off"},
	{update, 7, "on|on!|off", "off!", "off!", "none", "none", "on", "off"},
	{update, 8, "on!", either, either, "given", "kept", "on", "request"},
	{update, 9, either, "on!", either, "given", "kept else generated", "request", "request"},
	{update, 10, either, either, "on!", "given", "kept", "request", "on"},
	{update, 11, "on!", "on!", either, "given", "kept else generated", "on", "request"},
	{update, 12, "on!", either, "on!", "given", "kept", "on", "on"},
	{update, 13, either, "on!", "on!", "given", "kept else generated", "request", "on"},
	{update, 14, either, "on!", "off!", "given", "kept else generated", "request", "off"},
	{update, 15, either, "off!", "on!", "none", "none", "request", "on"},
	{update, 16, "on!", either, "off!", "given", "kept", "on", "off"},
	{update, 17, "off!", either, "on!", "given", "kept", "off", "on"},
	{update, 18, "on!", "off!", either, "none", "none", "on", "request"},
	{update, 19, "off!", "on!", either, "given", "kept else generated", "off", "request"},
	{update, 20, "off!", "on!", "on!", "given", "kept else generated", "off", "on"},
	{update, 21, "on!", "off!", "on!", "none", "none", "on", "on"},
	{update, 22, "on!", "on!", "off!", "given", "kept else generated", "on", "off"},
	{update, 23, either, either, either, "given", "kept", "stays", "request"},
}

// zoomsWords are the words of Zoom's table for those of this one.
var zoomsWords = map[string]string{
	"generated unless authentication=true":                                    "generated unless authentication",
	"on if passcode absent else request":                                      "on if passcode absent",
	"on if request leaves waiting_room and authentication false else request": "on if nothing else",
	"on if request enables nothing else request":                              "on if nothing else",
	"on if request leaves waiting_room and passcode off else request":         "on if nothing else",
	"on only if request true":                                                 "request",
	"kept if previous else generated":                                         "kept else generated",
	"kept if previous; generated if no previous and authentication=false":     "kept; generated unless authentication",
	"kept if previous":                                                        "kept",
	"unchanged":                                                               "kept",
	"request or kept":                                                         "request",
	"kept or request":                                                         "request",
	"waiting room on if nothing was on before and request disables all; else what was on stays on": "stays",
}

// TestTheTableIsZooms holds the table above against Zoom's own (Z-RULE-1) where
// it is available; Zoom's table itself is not part of the project.
func TestTheTableIsZooms(t *testing.T) {
	t.Parallel()
	f, err := os.Open(filepath.Join("..", "..", "..", "shared", "zoom", "security-matrix.csv"))
	if err != nil {
		t.Skipf("Zoom's table is not here: %v", err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows)-1 != len(matrix) {
		t.Fatalf("Zoom's table has %d rows, this one %d", len(rows)-1, len(matrix))
	}
	words := func(s string) string {
		if w, ok := zoomsWords[s]; ok {
			return w
		}
		return s
	}
	for i, r := range rows[1:] {
		m := matrix[i]
		op := map[zoomsim.Op]string{create: "create", update: "update"}[m.op]
		want := []string{op, fmt.Sprint(m.n), m.wr, m.pass, m.auth, m.given, m.absent, m.waitingRoom, m.authRes}
		for col := range want {
			if words(r[col]) != want[col] {
				t.Errorf("row %d column %s: Zoom says %q, the table %q", i+1, rows[0][col], r[col], want[col])
			}
		}
	}
}

// overridden are the rows that the newer document contradicts: all of creates whose
// passcode setting may be on without being locked. By Z-RULE-9 a create that gives
// no passcode then gets one, unless default_password is false.
var overridden = []int{2, 3, 8, 10, 12, 16, 17, 23}

// TestRuleFollowsZoomsTable takes every row, every combination of the settings
// it names, every request and every previous state, and holds the rule's
// prediction against the row's words: in the world of the table's own document all
// of them hold, in the newer one's all but those that it overrides.
func TestRuleFollowsZoomsTable(t *testing.T) {
	t.Parallel()
	for docs := range worlds {
		t.Run(fmt.Sprint("documents ", docs), func(t *testing.T) { followsTable(t, docs) })
	}
}

func followsTable(t *testing.T, docs zoomsim.Documents) {
	notation := map[string]zoomsim.Setting{"off": zoomsim.Off, "on": zoomsim.On, "off!": zoomsim.LockedOff, "on!": zoomsim.LockedOn}
	for _, row := range matrix {
		t.Run(fmt.Sprintf("%v %d", map[zoomsim.Op]string{create: "create", update: "update"}[row.op], row.n), func(t *testing.T) {
			checked, wrong := 0, ""
			for _, wr := range strings.Split(row.wr, "|") {
				for _, pass := range strings.Split(row.pass, "|") {
					for _, auth := range strings.Split(row.auth, "|") {
						// Zoom's scenarios presume that one option is required.
						s := zoomsim.EffectiveSettings{WaitingRoom: notation[wr], Passcode: notation[pass], Authentication: notation[auth], AutoSecurity: true}
						requests(point{settings: s, plan: passcode.PlanPaid, docs: docs}, func(p point) {
							if p.op != row.op {
								return
							}
							says, problem := row.check(p)
							if says {
								checked++
							}
							if problem != "" {
								wrong = problem
							}
						})
					}
				}
			}
			if checked == 0 {
				t.Error("nothing was checked")
			}
			over := docs == zoomsim.Documents2025 && row.op == create && slices.Contains(overridden, row.n)
			switch {
			case wrong != "" && !over:
				t.Error(wrong)
			case wrong == "" && over:
				t.Error("the row holds: it is not overridden")
			}
		})
	}
}

// check holds one prediction against the row; says is false when the row says
// nothing about the point.
func (row matrixRow) check(p point) (says bool, problem string) {
	w := p.wish
	switch {
	case p.op == create && w.Passcode == zoomsim.AskAbsent && w.WaitingRoom == zoomsim.AskAbsent:
		return false, "" // changed in March 2025: follows the host's settings (Z-RULE-12)
	case w.DefaultPassword != zoomsim.AskAbsent:
		return false, "" // the table does not know it
	case p.op == update && w.Passcode == zoomsim.AskNo && row.absent != "none" && row.absent != "kept else generated":
		return false, "" // the table is about a passcode that is left out; Z-RULE-5 covers an empty one
	}
	got := predict(p)
	if got.Passcode == passcode.Unknown {
		return false, "" // the open cases, counted by the exhaustive test
	}
	requested := func(a zoomsim.Ask, before bool) bool {
		return a == zoomsim.AskYes || a == zoomsim.AskAbsent && before
	}
	auth := map[string]bool{"on": true, "off": false, "request": requested(w.Authentication, p.before.Authentication)}[row.authRes]

	var source string
	if w.Passcode == zoomsim.AskYes {
		source = row.given
	} else {
		kept := map[bool]string{true: "kept"}[p.before.Passcode]
		switch row.absent {
		case "none", "generated":
			source = row.absent
		case "generated unless authentication":
			source = map[bool]string{true: "none", false: "generated"}[auth]
		case "kept":
			source = or(kept, "none")
		case "kept else generated":
			source = or(kept, "generated")
		case "kept; generated unless authentication":
			source = or(kept, map[bool]string{true: "none", false: "generated"}[auth])
		}
	}
	waitingRoom := requested(w.WaitingRoom, p.before.WaitingRoom)
	nothing := source == "none" && !auth && !waitingRoom
	switch row.waitingRoom {
	case "on", "off":
		waitingRoom = row.waitingRoom == "on"
	case "on if passcode absent":
		waitingRoom = waitingRoom || source == "none"
	case "on if nothing else":
		waitingRoom = waitingRoom || nothing
	case "stays":
		if nothing && (p.before.WaitingRoom || p.before.Passcode || p.before.Authentication) {
			waitingRoom, auth = p.before.WaitingRoom, p.before.Authentication
			if p.before.Passcode {
				source = "kept"
			}
		} else {
			waitingRoom = waitingRoom || nothing
		}
	}
	if string(got.Source) != source || got.WaitingRoom != passcode.ToggleOf(waitingRoom) || got.Authentication != passcode.ToggleOf(auth) {
		return true, fmt.Sprintf("%s:\n Zoom's table: passcode %s, waiting room %t, authentication %t\n the rule: %+v", p, source, waitingRoom, auth, got)
	}
	return true, ""
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

package zoomsim

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// phrases translates the words of Zoom's matrix into those of matrix_test.go.
var phrases = map[string]word{
	"generated unless authentication=true": genUnlessAuth,
	"given":                                given,
	"none":                                 none,
	"generated":                            generated,
	"on":                                   on,
	"off":                                  off,
	"request":                              request,
	"on if passcode absent else request":   onIfNoPasscode,
	"on if request leaves waiting_room and authentication false else request": onIfNeitherAuth,
	"on only if request true":                                             request,
	"on if request enables nothing else request":                          onIfNothing,
	"kept if previous else generated":                                     keptElseGenerated,
	"kept if previous; generated if no previous and authentication=false": keptOrGenUnlessAuth,
	"kept if previous":                                                    unchanged,
	"unchanged":                                                           unchanged,
	"request or kept":                                                     request,
	"kept or request":                                                     requestUnlessAll,
	"on if request leaves waiting_room and passcode off else request":                              onIfNeitherPasscode,
	"waiting room on if nothing was on before and request disables all; else what was on stays on": stays,
}

// TestMatrixContract holds the table of matrix_test.go against Zoom's own,
// where the shared facts are available.
func TestMatrixContract(t *testing.T) {
	t.Parallel()
	f, err := os.Open(filepath.Join("..", "..", "..", "shared", "zoom", "security-matrix.csv"))
	if err != nil {
		t.Skipf("the shared facts are not here: %v", err)
	}
	defer func() { _ = f.Close() }()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	rows = rows[1:]
	if len(rows) != len(matrix) {
		t.Fatalf("%d rows in the matrix, %d in the table", len(rows), len(matrix))
	}
	for i, r := range rows {
		n, err := strconv.Atoi(r[1])
		if err != nil {
			t.Fatal(err)
		}
		op := Create
		if r[0] == "update" {
			op = Update
		}
		alt := func(s string) string { return strings.ReplaceAll(s, "|", "/") }
		phrase := func(s string) word {
			w, ok := phrases[s]
			if !ok {
				t.Errorf("row %d: unknown phrase %q", i+1, s)
			}
			return w
		}
		want := matrixRow{op, n, alt(r[2]), alt(r[3]), alt(r[4]), phrase(r[5]), phrase(r[6]), phrase(r[7]), phrase(r[8])}
		if got := matrix[i]; got != want {
			t.Errorf("%s\n got %+v\nwant %+v", fmt.Sprintf("%s %s", r[0], r[1]), got, want)
		}
	}
}

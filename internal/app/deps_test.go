package app_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const root = "../.."

// imports gives what each of our packages imports outside its tests.
func imports(t *testing.T) map[string]map[string]bool {
	t.Helper()
	all := map[string]map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		pkg, _ := filepath.Rel(root, filepath.Dir(path))
		if all[pkg] == nil {
			all[pkg] = map[string]bool{}
		}
		for _, imp := range f.Imports {
			p, _ := strconv.Unquote(imp.Path.Value)
			all[pkg][p] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestDependenciesPointInward holds the tree to ARCHITECTURE.md.
func TestDependenciesPointInward(t *testing.T) {
	t.Parallel()
	all := imports(t)
	// What of ours a package may import; packages not named may import anything.
	allowed := map[string][]string{
		"internal/passcode":  {},
		"internal/secret":    {},
		"internal/invite":    {},
		"internal/work":      {},
		"internal/tracing":   {},
		"internal/lint":      {"internal/passcode"},
		"internal/zoom":      {"internal/passcode", "internal/secret", "internal/tracing"},
		"internal/webhook":   {"internal/secret", "internal/tracing"},
		"internal/bus":       {},
		"internal/embedded":  {},
		"internal/zoomsim":   {},
		"internal/store":     {"internal/passcode", "internal/secret", "internal/work", "migrations"},
		"internal/quota":     {"internal/store", "internal/zoom"},
		"internal/alert":     {"internal/passcode", "internal/store"},
		"internal/intake":    {"internal/alert", "internal/passcode", "internal/secret", "internal/store", "internal/tracing", "internal/work", "internal/zoom"},
		"internal/config":    {"internal/passcode", "internal/secret"},
		"internal/reconcile": {"internal/alert", "internal/passcode", "internal/secret", "internal/store", "internal/tracing", "internal/work", "internal/zoom"},
		// From outside alone: the judge must not share what it judges.
		"internal/chaos":     {"internal/embedded", "internal/passcode", "internal/zoomsim"},
		"internal/chaos/cmd": {"internal/chaos"},
		"internal/powerloss": {},
		"internal/probe":     {"internal/passcode", "internal/zoom"},
		"internal/admin":     {"internal/alert", "internal/bus", "internal/invite", "internal/passcode", "internal/probe", "internal/reconcile", "internal/secret", "internal/store", "internal/zoom"},
	}
	for pkg, may := range allowed {
		if len(all[pkg]) == 0 {
			t.Errorf("package %s does not exist", pkg)
		}
		for imp := range all[pkg] {
			ours, isOurs := strings.CutPrefix(imp, "latchkey/")
			if isOurs && !slices.Contains(may, ours) {
				t.Errorf("%s imports %s", pkg, ours)
			}
		}
	}
	for _, lib := range []string{"github.com/gin-gonic/gin", "github.com/nats-io/nats.go", "github.com/jackc/pgx/v5", "net/http"} {
		if all["internal/passcode"][lib] {
			t.Errorf("internal/passcode imports %s", lib)
		}
	}
	for pkg, imps := range all {
		if imps["latchkey/internal/testenv"] {
			t.Errorf("%s imports internal/testenv outside its tests", pkg)
		}
	}
}

// TestArchitectureNamesWhatExists: every folder ARCHITECTURE.md names is there,
// every package is named, and the page stays short.
func TestArchitectureNamesWhatExists(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root, "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(string(text), "\n"); lines >= 150 {
		t.Errorf("ARCHITECTURE.md has %d lines, want fewer than 150", lines)
	}
	for _, m := range regexp.MustCompile("`((?:cmd|internal|migrations|bench|docs)[a-z/_.]*)`").FindAllStringSubmatch(string(text), -1) {
		if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
			t.Errorf("ARCHITECTURE.md names %s: %v", m[1], err)
		}
	}
	for pkg := range imports(t) {
		if !strings.Contains(string(text), "`"+pkg+"`") {
			t.Errorf("ARCHITECTURE.md does not name %s", pkg)
		}
	}
}

// TestEachGuaranteeNamesItsTests, and the tests exist.
func TestEachGuaranteeNamesItsTests(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root, "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, guarantees, ok := strings.Cut(string(text), "\n## Guarantees")
	guarantees, _, ended := strings.Cut(guarantees, "\nWhat can be lost:")
	if !ok || !ended {
		t.Fatal("ARCHITECTURE.md has no Guarantees that end with what can be lost")
	}
	tests := map[string]bool{}
	err = filepath.WalkDir(filepath.Join(root, "internal"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`).FindAllStringSubmatch(string(source), -1) {
			tests[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	promises := strings.Split(guarantees, "\n- ")[1:]
	if len(promises) < 7 {
		t.Errorf("only %d promises", len(promises))
	}
	for _, promise := range promises {
		named := regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(promise, -1)
		if len(named) == 0 {
			t.Errorf("no test tries to break: %s", promise)
		}
		for _, n := range named {
			if !tests[n[1]] {
				t.Errorf("%s does not exist", n[1])
			}
		}
	}
}

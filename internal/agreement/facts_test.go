package agreement

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// factsPage is the page whose ids comments, tests and pages cite.
const factsPage = "docs/zoom-facts.md"

var (
	factID = regexp.MustCompile(`^Z-(HOOK|EVENT|MEET|CALL|SET|LOCK|RULE|CODE|LIMIT|ERR|AUTH|JOIN)-[1-9][0-9]*$`)
	cited  = regexp.MustCompile(`\bZ-[A-Z]+-[0-9]+\b`)
)

// factMarks are the words for how sure a fact is.
var factMarks = []string{"D", "T", "I", "U", "X"}

// fact is one row of the page.
type fact struct{ id, text, mark, source string }

// parseFacts returns the facts of the page and what is wrong with their rows.
// Every table row of the page is a fact, a header or a separator.
func parseFacts(page string) (facts []fact, problems []string) {
	seen := map[string]bool{}
	for i, line := range strings.Split(page, "\n") {
		if !strings.HasPrefix(line, "|") || line == "| id | fact | mark | source |" || line == "|---|---|---|---|" {
			continue
		}
		problem := func(format string, args ...any) {
			problems = append(problems, fmt.Sprintf("line %d: ", i+1)+fmt.Sprintf(format, args...))
		}
		cells := strings.Split(strings.TrimSuffix(strings.TrimPrefix(line, "|"), "|"), "|")
		if len(cells) != 4 || !strings.HasSuffix(line, "|") {
			problem("%d cells, want id, fact, mark and source", len(cells))
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		f := fact{cells[0], cells[1], cells[2], cells[3]}
		switch {
		case !factID.MatchString(f.id):
			problem("malformed id %q", f.id)
		case seen[f.id]:
			problem("%s is there twice", f.id)
		case f.text == "":
			problem("%s says nothing", f.id)
		case !slices.Contains(factMarks, f.mark):
			problem("%s has the unknown mark %q", f.id, f.mark)
		case f.source == "" && f.mark != "I" && f.mark != "U":
			problem("%s names no source", f.id)
		}
		seen[f.id] = true
		facts = append(facts, f)
	}
	return facts, problems
}

// repository returns the folder that holds go.mod.
func repository(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = up
	}
}

// eachText calls f with every *.go, *.md and *.sql file of the repository, by
// its path from the root. Hidden folders and bin are left out.
func eachText(t *testing.T, f func(path, text string)) {
	t.Helper()
	root, files := repository(t), 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(root, path)
		if d.IsDir() {
			if name != "." && (strings.HasPrefix(d.Name(), ".") || name == "bin") {
				return fs.SkipDir
			}
			return nil
		}
		if !slices.Contains([]string{".go", ".md", ".sql"}, filepath.Ext(path)) {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		f(filepath.ToSlash(name), string(text))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 100 {
		t.Fatalf("only %d files were read: the walk misses the repository", files)
	}
}

// TestFactsPage holds the page to its own form.
func TestFactsPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join(repository(t), filepath.FromSlash(factsPage)))
	if err != nil {
		t.Fatal(err)
	}
	facts, problems := parseFacts(string(page))
	for _, p := range problems {
		t.Errorf("%s: %s", factsPage, p)
	}
	if len(facts) < 70 {
		t.Errorf("%s: only %d facts were read", factsPage, len(facts))
	}
}

// TestCitedFactsExist walks the repository: a citation that leads nowhere is
// worse than none.
func TestCitedFactsExist(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join(repository(t), filepath.FromSlash(factsPage)))
	if err != nil {
		t.Fatal(err)
	}
	facts, _ := parseFacts(string(page))
	known := map[string]bool{}
	for _, f := range facts {
		known[f.id] = true
	}
	eachText(t, func(path, text string) {
		for i, line := range strings.Split(text, "\n") {
			for _, id := range cited.FindAllString(line, -1) {
				if !known[id] {
					t.Errorf("%s:%d cites %s, which %s does not have", path, i+1, id, factsPage)
				}
			}
		}
	})
}

// TestParseFacts shows that the checks above find what they are for.
func TestParseFacts(t *testing.T) {
	t.Parallel()
	const id = "Z-" + "HOOK-1" // in two parts: this file is walked, too
	for name, c := range map[string]struct{ row, want string }{
		"whole":         {"| " + id + " | a fact | D | a page |", ""},
		"unknown":       {"| " + id + " | a fact | U | |", ""},
		"twice":         {"| " + id + " | a | D | p |\n| " + id + " | b | D | p |", "is there twice"},
		"unknown kind":  {"| Z-" + "HOOKS-1 | a | D | p |", "malformed id"},
		"number 0":      {"| Z-" + "HOOK-0 | a | D | p |", "malformed id"},
		"leading zero":  {"| Z-" + "HOOK-01 | a | D | p |", "malformed id"},
		"no id":         {"| a | D | p | q |", "malformed id"},
		"unknown mark":  {"| " + id + " | a | d | p |", "unknown mark"},
		"two marks":     {"| " + id + " | a | D, T | p |", "unknown mark"},
		"no source":     {"| " + id + " | a | D | |", "names no source"},
		"nothing said":  {"| " + id + " | | D | p |", "says nothing"},
		"too few cells": {"| " + id + " | a | D |", "want id"},
		"not closed":    {"| " + id + " | a | D | p", "want id"},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems := parseFacts(c.row)
			got := strings.Join(problems, "; ")
			if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
				t.Errorf("problems %q, want %q", got, c.want)
			}
		})
	}
}

// unseen names two pages that only the authors had. The brackets keep this file
// from naming them itself.
var unseen = regexp.MustCompile(`\b(FACT[S]|DESIG[N])\b`)

// leftOut are the folders that TestNoCommentCitesUnseenPages does not look at:
// none.
var leftOut = []string{}

// TestNoCommentCitesUnseenPages: a source that a reader cannot open is none.
// Facts about Zoom are cited by id, rules by their number in ARCHITECTURE.md.
func TestNoCommentCitesUnseenPages(t *testing.T) {
	t.Parallel()
	eachText(t, func(path, text string) {
		if slices.ContainsFunc(leftOut, func(folder string) bool { return strings.HasPrefix(path, folder+"/") }) {
			return
		}
		for i, line := range strings.Split(text, "\n") {
			if word := unseen.FindString(line); word != "" {
				t.Errorf("%s:%d cites %s, a page that no reader has: %s", path, i+1, word, strings.TrimSpace(line))
			}
		}
	})
}

package app_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestEveryFuzzTargetIsRun: `make fuzz` names each that there is, and each has seeds
// in testdata.
func TestEveryFuzzTargetIsRun(t *testing.T) {
	t.Parallel()
	makefile, err := os.ReadFile(filepath.Join("..", "..", "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(makefile), "\nFUZZ := ")
	list, _, _ = strings.Cut(list, "\nFUZZTIME")
	named := strings.Fields(strings.ReplaceAll(list, "\\", ""))
	tests, err := filepath.Glob(filepath.Join("..", "*", "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var there []string
	for _, file := range tests {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^func (Fuzz\w+)\(`).FindAllStringSubmatch(string(src), -1) {
			dir := filepath.Dir(file)
			there = append(there, filepath.Base(dir)+":"+m[1])
			if seeds, err := os.ReadDir(filepath.Join(dir, "testdata", "fuzz", m[1])); err != nil || len(seeds) == 0 {
				t.Errorf("%s has no seeds in %s/testdata/fuzz: %v", m[1], dir, err)
			}
		}
	}
	slices.Sort(there)
	if slices.Sort(named); !slices.Equal(named, there) {
		t.Errorf("make fuzz runs %v, there are %v", named, there)
	}
}

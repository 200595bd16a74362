package embedded

import (
	"syscall"
	"testing"
)

// TestReleaseDespiteAFork: whoever forks at the moment of the release has every
// descriptor until it executes. The folder is free all the same.
func TestReleaseDespiteAFork(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l, err := lockDir(dir, "x.lock")
	if err != nil {
		t.Fatal(err)
	}
	forked, err := syscall.Dup(int(l.file.Fd())) // as the child has it
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Close(forked) }()
	l.release()
	again, err := lockDir(dir, "x.lock")
	if err != nil {
		t.Fatalf("after the release: %v", err)
	}
	again.release()
}

package main

import (
	"io"
	"strings"
	"testing"
)

// TestSimDocuments: the flag reaches the simulator, which names the two words.
func TestSimDocuments(t *testing.T) {
	t.Parallel()
	cmd := simCommand()
	cmd.SetArgs([]string{"--documents", "2024", "--listen", "127.0.0.1:0"})
	cmd.SetOut(io.Discard)
	cmd.SetErr(io.Discard)
	if err := cmd.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), "want 2025 or 2020") {
		t.Errorf("%v", err)
	}
}

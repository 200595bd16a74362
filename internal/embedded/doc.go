// Package embedded runs latchkey's two servers without anything to set up: a
// NATS JetStream server inside this process, and a PostgreSQL server as a
// child of it, from binaries on the machine or a downloaded copy.
//
// Both keep their data in a folder that one process at a time may use (see
// lock.go), listen on loopback only, and are gone when the process that
// started them is gone, even after SIGKILL (see supervise.go).
//
// It runs on Linux and macOS.
package embedded

import (
	"fmt"
	"os"
	"path/filepath"
)

// rootStateDir is where root keeps its state: PostgreSQL runs as another user
// then, and that user cannot reach anything below /root.
const rootStateDir = "/var/lib/latchkey"

// DefaultStateDir says where latchkey keeps its data when it is not told:
// /var/lib/latchkey for root (created here, mode 0711), else
// $XDG_STATE_HOME/latchkey, else ~/.local/state/latchkey (neither is created
// here). LATCHKEY_STATE is the caller's to honour.
func DefaultStateDir() (string, error) {
	if os.Geteuid() == 0 {
		if err := os.MkdirAll(rootStateDir, 0o711); err != nil {
			return "", fmt.Errorf("embedded: create the state folder: %w; set LATCHKEY_STATE to a folder that can be written", err)
		}
		// Not left to the umask: 0700 would lock the unprivileged user out.
		if err := os.Chmod(rootStateDir, 0o711); err != nil {
			return "", fmt.Errorf("embedded: state folder: %w", err)
		}
		return rootStateDir, nil
	}
	// The XDG specification says to ignore relative paths.
	if d := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(d) {
		return filepath.Join(d, "latchkey"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("embedded: no home folder to keep state in: %w; set LATCHKEY_STATE", err)
	}
	return filepath.Join(home, ".local", "state", "latchkey"), nil
}

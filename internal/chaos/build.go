package chaos

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Binaries are the programs that the rig runs.
type binaries struct{ ingest, worker, nats string }

// build compiles the programs from the module that the working directory is in, the
// NATS server from the version that go.mod names. Only the first time takes long.
func build(ctx context.Context, dir string, flags ...string) (binaries, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return binaries{}, fmt.Errorf("chaos: %w", err)
	}
	args := append([]string{"build"}, flags...)
	args = append(args, "-o", dir+string(filepath.Separator), "latchkey/cmd/ingest", "latchkey/cmd/worker", "github.com/nats-io/nats-server/v2")
	cmd := exec.CommandContext(ctx, "go", args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return binaries{}, fmt.Errorf("chaos: go build, in the module's folder: %w\n%s", err, out)
	}
	return binaries{ingest: filepath.Join(dir, "ingest"), worker: filepath.Join(dir, "worker"), nats: filepath.Join(dir, "nats-server")}, nil
}

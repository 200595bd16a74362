// Command latchkey is everything in one: the service, the demonstration, the
// simulated Zoom and the commands for people.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

// version is set by the build (Makefile, Dockerfile).
var version = "dev"

func main() { os.Exit(run()) }

func run() int {
	root := &cobra.Command{
		Use:   "latchkey",
		Short: "Keeps Zoom meetings from asking joiners for a passcode nobody gave them",
		Long: "latchkey listens to Zoom's webhooks, finds meetings that would demand a passcode\n" +
			"because a host, group or account setting made Zoom add one, says why, and repairs\n" +
			"them where Zoom's rules allow.\n\nBegin with `latchkey demo`.",
		Version: version, SilenceUsage: true, SilenceErrors: true,
	}
	root.AddCommand(demoCommand(), serveCommand(), simCommand(), explainCommand(), passcodeCommand(), decideCommand(),
		forecastCommand(), whatIfCommand(), lintCommand(), undoAlignmentCommand(), migrateCommand(), configCommand(), doctorCommand(), holdCommand(), releaseCommand(), holdsCommand(), alertsCommand(), sweepCommand(), listCommand(), sqlCommand(), replayCommand(), deadCommand())
	err := root.ExecuteContext(context.Background())
	var status exitStatus
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	}
	fmt.Fprintln(os.Stderr, "latchkey:", err)
	return 1
}

// exitStatus ends the process with a status, everything being said already.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// Command latchkey runs the service and administers it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/latchkey/latchkey/internal/config"
)

// The exit codes of the process.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2 // the command line or the configuration is wrong
	exitPartly = 3 // an import left rows out
)

// errReported is the error of a command that has already reported it.
var errReported = errors.New("reported")

func main() { os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr)) }

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "latchkey",
		Short:         "One account, every key: a self-hosted identity service",
		SilenceUsage:  true, // an error of the database does not need the flags explained
		SilenceErrors: true, // run prints them
	}
	root.AddCommand(
		newServeCommand(), newMigrateCommand(), newAdminCommand(), newExplainCommand(),
		newImportCommand(), newDedupeCommand(), newMergeCommand(), newUserCommand(), newIdentitiesCommand(), newClientCommand(), newResourceCommand(), newWebhookCommand(), newKeysCommand(), newAuditCommand(), newBackupCommand(), newRestoreCommand(),
		newDoctorCommand(), newHealthcheckCommand(), newVersionCommand(),
	)
	return root
}

// run is main without the process.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRootCommand()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	started := false
	markStart(root, &started)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	if !errors.Is(err, errReported) {
		_, _ = fmt.Fprintln(stderr, "latchkey:", err)
	}
	// cobra has no type for its errors, but they all come before the command.
	if !started {
		_, _ = fmt.Fprintln(stderr, "Run 'latchkey --help' for the commands and flags.")
		return exitUsage
	}
	if _, ok := errors.AsType[*config.Error](err); ok {
		return exitUsage
	}
	if errors.Is(err, errPartly) {
		return exitPartly
	}
	return exitFailed
}

// markStart notes that the command line was valid and the command has begun.
func markStart(cmd *cobra.Command, started *bool) {
	if runE := cmd.RunE; runE != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			*started = true
			return runE(cmd, args)
		}
	}
	for _, sub := range cmd.Commands() {
		markStart(sub, started)
	}
}

package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// exitChanges is the exit code of plan when something would change.
const exitChanges = 2

// exitError ends the program with a code of its own and nothing more to say.
type exitError struct{ code int }

func (e exitError) Error() string { return fmt.Sprintf("exit code %d", e.code) }

// Main runs the command line and returns the exit code: 0 for success, 1 for
// an error, 2 when plan found changes.
func Main(version string, args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends at once what the first does not end soon
	root := New(version)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	refuseShells(root)
	err := root.ExecuteContext(ctx)
	var exit exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.code
	}
	if _, printErr := fmt.Fprintln(stderr, "lockstep: "+paragraph(err.Error())); printErr != nil {
		return 1
	}
	return 1
}

// New returns the whole command tree.
func New(version string) *cobra.Command {
	version = versionOf(version)
	root := &cobra.Command{
		Use:   "lockstep",
		Short: "Keep Kong Gateway and HAProxy equal to the containers that run",
		Long: "Lockstep watches Docker and keeps Kong Gateway and HAProxy equal to the\n" +
			"labelled containers that run. Start with: lockstep run --help",
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       version,
	}
	root.SetVersionTemplate("lockstep {{.Version}}\n")
	root.SetFlagErrorFunc(explainFlag)
	root.AddCommand(
		newRun(version),
		newPlan(version),
		newRender(version),
		newApply(version),
		newDrain(),
		newPause(),
		newResume(),
		newHistory(),
		newRollback(),
		newRelease(),
		newAdopt(),
		newPrune(),
		newStatus(),
		newExplain(),
		newExport(),
		newWait(),
		newSchema(), newValidate(),
		newHealth(),
		newDemo(),
		newMan(version),
		newVersion(version),
	)
	explainArguments(root)
	exemplify(root)
	return root
}

// versionOf returns the linker's version, else what the module was built as.
func versionOf(version string) string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}

// explainFlag adds the nearest flag to the complaint about an unknown one.
func explainFlag(c *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return fmt.Errorf("%w; see %s --help", err, c.CommandPath())
	}
	name := unknown.GetSpecifiedName()
	var flags []string
	c.Flags().VisitAll(func(f *pflag.Flag) { flags = append(flags, f.Name) })
	if nearest := nearestOf(name, flags); nearest != "" {
		return fmt.Errorf("unknown flag --%s; did you mean --%s?", strings.TrimLeft(name, "-"), nearest)
	}
	return fmt.Errorf("%w; see %s --help", err, c.CommandPath())
}

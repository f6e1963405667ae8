package cmd

import (
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func newMan(version string) *cobra.Command {
	return &cobra.Command{
		Use:   "man DIRECTORY",
		Short: "Write the manual pages",
		Long: "Man writes a manual page for each command into a directory, which must be there:\n" +
			"  mkdir -p ~/.local/share/man/man1 && lockstep man ~/.local/share/man/man1",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			date := built()
			header := &doc.GenManHeader{Section: "1", Source: "lockstep " + version, Manual: "Lockstep", Date: &date}
			c.Root().DisableAutoGenTag = true
			if info, err := os.Stat(args[0]); err != nil || !info.IsDir() {
				return fmt.Errorf("%s is no directory; make it first", args[0])
			}
			if err := doc.GenManTree(c.Root(), header, args[0]); err != nil {
				return fmt.Errorf("write manual pages into %s: %w", args[0], err)
			}
			return nil
		},
	}
}

// built returns when what the program was built from was committed, so that the same
// program writes the same pages; today when that is not known.
func built() time.Time {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range info.Settings {
			if date, err := time.Parse(time.RFC3339, setting.Value); setting.Key == "vcs.time" && err == nil {
				return date
			}
		}
	}
	return time.Now()
}

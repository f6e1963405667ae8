package cmd

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// explainArguments makes the commands below c say which argument is missing or does not
// belong there, and how they are written.
func explainArguments(c *cobra.Command) {
	for _, sub := range c.Commands() {
		explainArguments(sub)
		if allowed := sub.Args; allowed != nil {
			sub.Args = func(c *cobra.Command, args []string) error { return misplaced(c, args, allowed) }
		}
	}
}

// misplaced says what is wrong with a command's arguments, where allowed finds something.
func misplaced(c *cobra.Command, args []string, allowed cobra.PositionalArgs) error {
	if allowed(c, args) == nil {
		return nil
	}
	usage := "write: " + c.UseLine()
	if len(c.ValidArgs) > 0 {
		usage = "name one of " + strings.Join(c.ValidArgs, ", ")
	}
	for i := range args {
		if allowed(c, args[:i+1]) != nil {
			return fmt.Errorf("%q does not belong there; %s", args[i], usage)
		}
	}
	return fmt.Errorf("an argument is missing; %s", usage)
}

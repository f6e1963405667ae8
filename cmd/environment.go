package cmd

import (
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// environment is what the variables of flags begin with: --state-dir is
// LOCKSTEP_STATE_DIR. A list is separated by commas there.
const environment = "LOCKSTEP_"

// fromVariable is the annotation of a flag that a variable, or a line of the file of
// --config, has set; its value is the variable's name, or the place.
const fromVariable = "variable"

// fromEnvironment sets the flags that were not given from their variables.
func fromEnvironment(f *pflag.FlagSet, lookup func(string) (string, bool)) error {
	var failed error
	f.VisitAll(func(flag *pflag.Flag) {
		name := variableOf(flag.Name)
		value, ok := lookup(name)
		if !ok || flag.Changed || failed != nil {
			return
		}
		err := f.Set(flag.Name, value)
		if err == nil {
			err = f.SetAnnotation(flag.Name, fromVariable, []string{name})
		}
		if err != nil {
			failed = fmt.Errorf("environment variable %s: %w", name, err)
		}
	})
	return failed
}

// variableOf returns the variable of a flag.
func variableOf(flag string) string {
	return environment + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// withEnvironment makes a command read the variables of its flags, and then the file
// of --config, and name the variable or the line where the command finds fault with a
// flag that it has set.
func withEnvironment(c *cobra.Command) *cobra.Command {
	c.PreRunE = func(c *cobra.Command, _ []string) error { return fillIn(c.Flags()) }
	if complete := c.ValidArgsFunction; complete != nil {
		c.ValidArgsFunction = func(c *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
			if err := fillIn(c.Flags()); err != nil { // the command itself will say it
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return complete(c, args, begun)
		}
	}
	run := c.RunE
	c.RunE = func(c *cobra.Command, args []string) error { return blame(c.Flags(), run(c, args)) }
	return c
}

// fillIn sets the flags that were not given, from variables and else from the file of --config.
func fillIn(f *pflag.FlagSet) error {
	if err := fromEnvironment(f, os.LookupEnv); err != nil {
		return err
	}
	return fromConfig(f)
}

// blame adds to an error that speaks of a flag the variable that has set it.
func blame(f *pflag.FlagSet, err error) error {
	if err == nil {
		return nil
	}
	var setBy []string
	f.VisitAll(func(flag *pflag.Flag) {
		if variable := flag.Annotations[fromVariable]; len(variable) > 0 && spoken(flag.Name).MatchString(err.Error()) {
			setBy = append(setBy, fmt.Sprintf("--%s is set by %s", flag.Name, variable[0]))
		}
	})
	if len(setBy) == 0 {
		return err
	}
	return fmt.Errorf("%w (%s)", err, strings.Join(setBy, ", "))
}

// variables returns the variables of all commands, sorted.
func variables(root *cobra.Command) []string {
	var known []string
	var visit func(*cobra.Command)
	visit = func(c *cobra.Command) {
		c.LocalFlags().VisitAll(func(f *pflag.Flag) { known = append(known, variableOf(f.Name)) })
		for _, sub := range c.Commands() {
			visit(sub)
		}
	}
	visit(root)
	slices.Sort(known)
	return slices.Compact(known)
}

// warnOfUnknown warns once of each variable that looks like ours and is none.
func warnOfUnknown(log *slog.Logger, known, environ []string) {
	for _, assignment := range slices.Sorted(slices.Values(environ)) {
		name, _, _ := strings.Cut(assignment, "=")
		if !strings.HasPrefix(name, environment) || slices.Contains(known, name) {
			continue
		}
		if nearest := nearestOf(name, known); nearest != "" {
			log.Warn("unknown variable is ignored", "variable", name, "did_you_mean", nearest)
			continue
		}
		log.Warn("unknown variable is ignored", "variable", name, "see", "lockstep run --help")
	}
}

// nearestOf returns the candidate that a word was most likely meant to be, or
// "". What all begin with alike says nothing.
func nearestOf(word string, candidates []string) string {
	nearest, best := "", 0.6
	for _, candidate := range candidates {
		similarity := levenshtein.Similarity(strings.TrimPrefix(word, environment), strings.TrimPrefix(candidate, environment), nil)
		if similarity > best {
			nearest, best = candidate, similarity
		}
	}
	return nearest
}

package cmd

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lockstep/lockstep/manifests"
)

func newValidate() *cobra.Command {
	var out output
	var besides []string
	c := &cobra.Command{
		Use:   "validate FILE|DIRECTORY…",
		Short: "Say what is wrong with manifests",
		Long: "Validate reads manifests and says what is wrong with them, each by itself and all\n" +
			"together, with file, line, column and what to do. It asks nobody: it needs no\n" +
			"daemon, no Docker and no gateway, and does not follow references to secrets.\n" +
			"Policies in the files, and in those of --policy, are asked as the daemon asks them.\n\n" +
			"Exit codes: 0 all is well, 1 something is wrong.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			texts, err := manifests.ReadAll(args)
			if err != nil {
				return err
			}
			rules, err := manifests.ReadAll(besides)
			if err != nil {
				return fmt.Errorf("--policy: %w", err)
			}
			policies, wrong := manifests.Policies(rules)
			report := manifests.Validate(texts, policies)
			report.Problems = append(wrong, report.Problems...)
			maps.Copy(texts, rules)
			if err := out.print(c, report, func(p *printer) { printValidation(p, report, texts) }); err != nil {
				return err
			}
			if len(report.Problems) > 0 {
				return exitError{code: 1}
			}
			return nil
		},
	}
	c.Flags().StringSliceVar(&besides, "policy", nil, "`path` of a file or directory with policies, which hold besides those in the files; repeatable")
	out.bind(c)
	return withEnvironment(c)
}

// printValidation prints each problem as a compiler does, and what was found.
func printValidation(p *printer, report manifests.Report, texts map[string][]byte) {
	for _, problem := range report.Problems {
		p.line("%s: %s", problem.Origin, problem.Message)
		for _, line := range manifests.Excerpt(texts[problem.Origin.File], problem.Origin) {
			p.line("%s", line)
		}
		p.line("      → %s", problem.Fix)
	}
	if len(report.Problems) > 0 {
		p.line("%s in %s", count(len(report.Problems), "problem"), count(report.Files, "file"))
		return
	}
	var kinds []string
	for _, kind := range slices.Sorted(maps.Keys(report.Objects)) {
		kinds = append(kinds, fmt.Sprintf("%d %s", report.Objects[kind], kind))
	}
	p.line("%s: %s", count(report.Files, "file"), or(strings.Join(kinds, ", "), "nothing declared"))
}

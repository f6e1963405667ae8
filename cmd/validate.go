package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
	"github.com/lockstep/lockstep/controller/forecast"
	"github.com/lockstep/lockstep/manifests"
	"github.com/lockstep/lockstep/manifests/compose"
	"github.com/lockstep/lockstep/reconcilers/haproxy"
)

func newValidate() *cobra.Command {
	var out output[manifests.Report]
	var v validation
	c := &cobra.Command{
		Use:   "validate FILE|DIRECTORY…",
		Short: "Say what is wrong with manifests and Compose files",
		Long: "Validate reads manifests and says what is wrong with them, each by itself and all\n" +
			"together, with file, line, column and what to do; of Compose files that are named,\n" +
			"what is wrong with the labels in them. It asks nobody: it needs no daemon, no Docker\n" +
			"and no gateway, and does not follow references to secrets. Policies in the files,\n" +
			"and in those of --policy, are asked as the daemon asks them. The file - is standard\n" +
			"input, which holds manifests. A service or route that is\n" +
			"referred to and that no file declares may be one of labels: where one of nearly the same\n" +
			"name is declared, that is said, and is no error. What depends on which gateways there\n" +
			"are, and how they reach each other, is for lockstep plan --compose to say, with the\n" +
			"flags of run. In a directory a Config is wrong, and in a git repository a symbolic link,\n" +
			"as the daemon refuses both there.\n\n" +
			"Exit codes: 0 all is well, 1 something is wrong.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			v.stdin = c.InOrStdin()
			report, texts, err := v.validate(c.Context(), args)
			if err != nil {
				return err
			}
			if err := out.print(c, report, func(p *printer) { printValidation(p, report, texts) }); err != nil {
				return err
			}
			if len(report.Problems) > 0 {
				return exitError{code: 1}
			}
			return nil
		},
	}
	c.Flags().StringSliceVar(&v.besides, "policy", nil, "`path` of a file or directory with policies, which hold besides those in the files; repeatable")
	v.settings.bindGrammar(c.Flags())
	out.bind(c)
	return withEnvironment(c)
}

// validation is what validate is told.
type validation struct {
	settings settings // how labels are read
	besides  []string
	stdin    io.Reader // the file -
	served   bool      // from where they stand, as --manifests does, and never from a repository
}

// validate reads all files and says what is wrong with them. texts are those of all
// files, by path.
func (v *validation) validate(ctx context.Context, args []string) (report manifests.Report, texts map[string][]byte, err error) {
	if err := v.settings.checkGrammar(); err != nil {
		return report, nil, err
	}
	if texts, err = v.readAll(ctx, args); err != nil {
		return report, nil, err
	}
	rules, err := readPolicies(v.besides)
	if err != nil {
		return report, nil, fmt.Errorf("--policy: %w", err)
	}
	declared := maps.Clone(texts)
	var composed []string
	for _, path := range args {
		if text, isFile := texts[path]; isFile && compose.Is(text) {
			if path == standardInput {
				return report, nil, errors.New("-: it is a Compose file, which may name other files beside it; name the file itself")
			}
			composed = append(composed, path)
			delete(declared, path)
		}
	}
	policies, wrong := manifests.Policies(rules)
	misplaced, err := manifests.Misplaced(args, texts, !v.served)
	if err != nil {
		return report, nil, err
	}
	report = manifests.Validate(declared, policies)
	report.Problems = append([]v1.Problem{}, slices.Concat(wrong, misplaced, wrongSettings(declared), wrongSections(declared), report.Problems)...) // a list also when all is well
	report.Problems = manifests.Sorted(report.Problems)
	report.Files = len(texts)
	maps.Copy(texts, rules)
	if len(composed) == 0 || len(report.Problems) > 0 { // what labels mean depends on manifests
		return report, texts, nil
	}
	build := desired.Options{
		Grammar: v.settings.grammar(), Gateways: []v1.Gateway{v1.Kong, v1.HAProxy}, TLSPassthrough: true, Chain: anyChain,
	}
	found, _, err := forecastOf(ctx, forecast.Options{Build: build, Policies: policies}, composed, declared)
	if err != nil {
		return report, nil, err
	}
	report.Services = len(found.Services)
	report.Hints = slices.DeleteFunc(report.Hints, func(hint v1.Problem) bool { return found.Makes(hint.Object) })
	for _, problem := range found.Problems {
		switch problem.Reason {
		case v1.Conflict, v1.NoPort:
			problem.Gateway = "" // it is so on each
		default:
			if problem.Gateway != "" { // it may depend on the gateways that there are
				continue
			}
		}
		if !slices.Contains(report.Problems, problem) {
			report.Problems = append(report.Problems, problem)
		}
	}
	return report, texts, nil
}

// readPolicies reads the files of --policy, each path of which must hold a Policy, or a file that
// is wrong and may: who names one that holds none would take all for allowed.
func readPolicies(paths []string) (map[string][]byte, error) {
	all := map[string][]byte{}
	for _, path := range paths {
		texts, err := manifests.ReadAll([]string{path})
		if err != nil {
			return nil, err
		}
		holds := false
		for file, text := range texts {
			parsed, wrong := manifests.Parse(file, text)
			holds = holds || len(wrong) > 0 || slices.ContainsFunc(parsed.Objects, func(o manifests.Object) bool { return o.Policy != nil })
		}
		if !holds {
			return nil, fmt.Errorf("%s holds no Policy; name a file that does, or a directory with such files, which end in .yaml or .yml", path)
		}
		maps.Copy(all, texts)
	}
	return all, nil
}

// anyChain lets services go every way in: which of them can be gone is for the flags of the
// daemon to say.
var anyChain = desired.Chain{Host: string(v1.HAProxy), First: 1, Last: 1<<16 - 1, KongService: string(v1.Kong)}

// standardInput is the file that is read from there.
const standardInput = "-"

// readAll reads files, and standard input where that is one of them.
func (v *validation) readAll(ctx context.Context, args []string) (map[string][]byte, error) {
	named := slices.DeleteFunc(slices.Clone(args), func(path string) bool { return path == standardInput })
	texts, err := manifests.ReadAll(named)
	if err != nil || len(named) == len(args) {
		return texts, err
	}
	text, err := unlessEnded(ctx, func() ([]byte, error) {
		return io.ReadAll(io.LimitReader(v.stdin, manifests.MaxBytes+1)) // one that is too long is said to be
	})
	if err != nil {
		return nil, fmt.Errorf("standard input: %w", err)
	}
	texts[standardInput] = text
	return texts, nil
}

// wrongSettings says what is wrong with the fields of Configs among files.
func wrongSettings(texts map[string][]byte) []v1.Problem {
	var problems []v1.Problem
	for _, path := range slices.Sorted(maps.Keys(texts)) {
		for _, object := range manifests.Right(path, texts[path]) { // what is wrong with the others, Validate tells
			problems = append(problems, applySettings(daemonFlags(), object.Config)...)
		}
	}
	return problems
}

// wrongSections says what is wrong with the sections of HAProxy among files.
func wrongSections(texts map[string][]byte) []v1.Problem {
	var sections []v1.Section
	for _, path := range slices.Sorted(maps.Keys(texts)) {
		for _, object := range manifests.Right(path, texts[path]) { // what is wrong with the others, Validate tells
			if object.Section != nil {
				sections = append(sections, *object.Section)
			}
		}
	}
	return haproxy.CheckSections(sections)
}

// printValidation prints each problem as a compiler does, and what was found.
func printValidation(p *printer, report manifests.Report, texts map[string][]byte) {
	printPlaced(p, report.Problems, texts)
	for _, hint := range report.Hints {
		hint.Message = "perhaps wrong: " + hint.Message
		printPlaced(p, []v1.Problem{hint}, texts)
	}
	if len(report.Problems) > 0 {
		p.line("%s in %s", count(len(report.Problems), "problem"), count(report.Files, "file"))
		return
	}
	var kinds []string
	for _, kind := range slices.Sorted(maps.Keys(report.Objects)) {
		kinds = append(kinds, fmt.Sprintf("%d %s", report.Objects[kind], kind))
	}
	if report.Services > 0 {
		kinds = append(kinds, count(report.Services, "service")+" of Compose")
	}
	p.line("%s: %s", count(report.Files, "file"), or(strings.Join(kinds, ", "), "nothing declared"))
}

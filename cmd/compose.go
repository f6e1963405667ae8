package cmd

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lockstep/lockstep/api/policy"
	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
	"github.com/lockstep/lockstep/controller/forecast"
	"github.com/lockstep/lockstep/manifests"
	"github.com/lockstep/lockstep/manifests/compose"
)

// planCompose says what the labels of Compose files would ask for, together with the
// folders of manifests, and asks nobody.
func planCompose(c *cobra.Command, s *settings, files []string, out *output) error {
	texts, err := manifests.ReadAll(s.manifests)
	if err != nil {
		return fmt.Errorf("--manifests: %w", err)
	}
	report, sources, err := forecastOf(c.Context(), s.forecast(), files, texts, nil)
	if err != nil {
		return err
	}
	if err := out.print(c, report, func(p *printer) { printForecast(p, report, sources) }); err != nil {
		return err
	}
	if len(report.Problems) > 0 {
		return exitError{code: 1}
	}
	return nil
}

// forecast returns what a forecast depends on besides files.
func (s *settings) forecast() desired.Options {
	o := desired.Options{
		Grammar: s.grammar(), Ways: s.chain.ways, Chain: s.chain.chain, TLSPassthrough: s.haproxyPassthrough,
	}
	if len(s.kongAdminURLs) > 0 {
		o.Gateways = append(o.Gateways, v1.Kong)
	}
	if s.haproxy != "off" {
		o.Gateways = append(o.Gateways, v1.HAProxy)
	}
	return o
}

// forecastOf reads Compose files and works out what they would ask for. sources are
// the texts of all files, by path. Manifests that are wrong are an error: without
// them, what is said of the labels would not hold.
func forecastOf(ctx context.Context, build desired.Options, files []string, declared map[string][]byte, besides policy.Set) (forecast.Report, map[string][]byte, error) {
	sources := map[string][]byte{}
	var projects []compose.Project
	for _, file := range files {
		project, err := compose.Read(ctx, file)
		if err != nil {
			return forecast.Report{}, nil, err
		}
		sources[file] = project.Text
		projects = append(projects, project)
	}
	options := forecast.Options{Build: build, Policies: besides}
	if len(declared) > 0 {
		world, problems := manifests.Together(declared)
		if len(problems) > 0 {
			return forecast.Report{}, nil, fmt.Errorf("a manifest is wrong, see lockstep validate: %w", problems[0])
		}
		options.Declared, options.Policies = world.Services, slices.Concat(world.Policies, besides)
	}
	return forecast.Of(projects, options), sources, nil
}

// printForecast prints each service with its routes, and what would be wrong.
func printForecast(p *printer, report forecast.Report, sources map[string][]byte) {
	rows := [][]string{{"SERVICE", "ROUTE", "GATEWAYS", "ASKED FOR AT"}}
	for _, service := range report.Services {
		name := service.Name
		if len(service.Routes) == 0 {
			rows = append(rows, []string{name, "(none)", "", place(service.Origin)})
		}
		for _, route := range service.Routes {
			var verdicts []string
			for _, verdict := range route.Verdicts {
				verdicts = append(verdicts, string(verdict.Gateway)+" "+string(verdict.Reason))
			}
			rows = append(rows, []string{name, describeRoutes([]desired.RouteStanding{route}), strings.Join(verdicts, ", "), place(route.Origin)})
			name = ""
		}
	}
	p.table(rows)
	for _, service := range report.Services {
		if service.AnyPort {
			p.line("%s: no label and no line names its port; it is the one that its image exposes", service.Name)
		}
	}
	for _, other := range report.Others {
		p.line("%s: does not count: %s; %s", place(other.Origin), other.Message, other.Fix)
	}
	if len(report.Problems) > 0 {
		p.line("")
		printPlaced(p, report.Problems, sources)
		p.line("%s in %s", count(len(report.Problems), "problem"), count(len(report.Projects), "file"))
	}
}

// place says where something stands, without the container, which the line tells.
func place(at v1.Origin) string {
	if at.File == "" {
		return at.String()
	}
	return v1.Origin{File: at.File, Line: at.Line, Column: at.Column}.String()
}

// printPlaced prints each problem as a compiler does.
func printPlaced(p *printer, problems []v1.Problem, texts map[string][]byte) {
	for _, problem := range problems {
		where := ""
		if problem.Gateway != "" {
			where = "on " + string(problem.Gateway) + ": "
		}
		p.line("%s: %s%s", place(problem.Origin), where, problem.Message)
		for _, line := range manifests.Excerpt(texts[problem.Origin.File], problem.Origin) {
			p.line("%s", line)
		}
		if problem.Fix != "" {
			p.line("      → %s", problem.Fix)
		}
	}
}

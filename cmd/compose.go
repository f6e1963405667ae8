package cmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
	"github.com/lockstep/lockstep/controller/forecast"
	"github.com/lockstep/lockstep/controller/ledger"
	"github.com/lockstep/lockstep/internal/pemfile"
	"github.com/lockstep/lockstep/manifests"
	"github.com/lockstep/lockstep/manifests/compose"
	"github.com/lockstep/lockstep/reconcilers/haproxy"
	"github.com/lockstep/lockstep/reconcilers/hop"
	"github.com/lockstep/lockstep/reconcilers/kong"
)

// planCompose says what the labels of Compose files would ask for, together with the
// folders of manifests, and asks nobody.
func planCompose(c *cobra.Command, s *settings, files []string, out *output[forecast.Report]) error {
	texts, err := manifests.ReadAll(s.manifests)
	if err != nil {
		return fmt.Errorf("--manifests: %w", err)
	}
	gateways, err := s.compilers()
	if err != nil {
		return err
	}
	build, err := s.forecast()
	if err != nil {
		return err
	}
	mode, err := s.kongMode()
	if err != nil {
		return err
	}
	report, sources, err := forecastOf(c.Context(), forecast.Options{Build: build, Gateways: gateways, KongMode: mode}, files, texts)
	if err != nil {
		return err
	}
	out.also("markdown", func(p *printer) { writeForecast(p, report) })
	if err := out.print(c, report, func(p *printer) { printForecast(p, report, sources) }); err != nil {
		return err
	}
	if len(report.Problems) > 0 {
		return exitError{code: 1}
	}
	return nil
}

// forecast returns what a forecast depends on besides files.
func (s *settings) forecast() (desired.Options, error) {
	given, err := s.given()
	return desired.Options{
		Grammar: s.grammar(), Gateways: s.configured(), Ways: s.chain.ways, Chain: s.chain.chain, TLSPassthrough: s.haproxyPassthrough,
		Given: given,
	}, err
}

// kongMode returns how Kong is configured, as far as a daemon on the state directory has
// found out; "" where there was none, or it is not for this user's eyes.
func (s *settings) kongMode() (ledger.KongMode, error) {
	memory, err := ledger.Read(ledger.Path(s.stateDir))
	if errors.Is(err, fs.ErrPermission) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return memory.KongMode.Get(), nil
}

// given returns what the flags give for labels to ask for.
func (s *settings) given() (*desired.Given, error) {
	authorities, err := pemfile.Named(s.backendCAs)
	if err != nil {
		return nil, fmt.Errorf("--backend-ca: %w", err)
	}
	delete(authorities, "") // that of all services has no name
	ports, err := haproxy.AllowedPorts(s.haproxyTCPPorts)
	if err != nil {
		return nil, fmt.Errorf("--haproxy-tcp-ports: %w", err)
	}
	return &desired.Given{Authorities: slices.Sorted(maps.Keys(authorities)), TCPPorts: ports}, nil
}

// compilers returns what the reconcilers that run would have with these flags know
// without asking their gateways. They read the files that flags name.
func (s *settings) compilers() (map[v1.Gateway]forecast.Compiler, error) {
	const writer = "forecast"
	out, log := map[v1.Gateway]forecast.Compiler{}, slog.New(slog.DiscardHandler)
	if s.chain.viaTLS { // any will do, and those of the daemon are not for everybody's eyes
		keys, err := hop.Make(s.hopNames(), time.Now())
		if err != nil {
			return nil, err
		}
		s.chain.via.TLS = hop.Hold(keys)
	}
	for _, gateway := range s.configured() {
		var err error
		switch gateway {
		case v1.Kong:
			o := s.kongOptions(writer, log)
			o.Offline = true
			out[gateway], err = kong.Open(o)
		case v1.HAProxy:
			out[gateway], err = s.newHAProxy(writer, mode{look: true}, log, nil)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// forecastOf reads Compose files and works out what they would ask for. sources are
// the texts of all files, by path. Manifests that are wrong are an error: without
// them, what is said of the labels would not hold.
func forecastOf(ctx context.Context, options forecast.Options, files []string, declared map[string][]byte) (forecast.Report, map[string][]byte, error) {
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
	if len(declared) > 0 {
		world, problems := manifests.Together(declared)
		if len(problems) > 0 {
			return forecast.Report{}, nil, fmt.Errorf("a manifest is wrong, see lockstep validate: %w", problems[0])
		}
		options.Declared, options.Listeners, options.Policies = world.Services, world.Listeners, slices.Concat(world.Policies, options.Policies)
	}
	return forecast.Of(projects, options), sources, nil
}

// noService stands for the table of services where there is none.
const noService = "nothing there asks for a service"

// printForecast prints each service with its routes, and what would be wrong.
func printForecast(p *printer, report forecast.Report, sources map[string][]byte) {
	if rows := forecastRows(report); len(rows) > 0 {
		p.table(append([][]string{{"SERVICE", "ROUTE", "GATEWAYS", "ASKED FOR AT"}}, rows...))
	} else {
		p.line("%s", noService)
	}
	for _, remark := range remarks(report) {
		p.line("%s", remark)
	}
	if len(report.Problems) > 0 {
		p.line("")
		printPlaced(p, report.Problems, sources)
		p.line("%s in %s", count(len(report.Problems), "problem"), count(len(report.Projects), "file"))
	}
}

// forecastRows are the routes of a report: service, route, what becomes of it on each
// gateway, place. The service is named once.
func forecastRows(report forecast.Report) [][]string {
	var rows [][]string
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
			rows = append(rows, []string{name, strings.TrimSpace(describeRoutes([]desired.RouteStanding{route})), strings.Join(verdicts, ", "), place(route.Origin)})
			name = ""
		}
	}
	return rows
}

// remarks are what is not known, and what does not count.
func remarks(report forecast.Report) []string {
	var out []string
	for _, service := range report.Services {
		if service.AnyPort {
			out = append(out, service.Name+": no label and no line names its port; it is the one that its image exposes")
		}
	}
	for _, s := range report.Selectors {
		out = append(out, s.Service+": "+sayPicked(&s.Selection))
	}
	if report.Assumed != "" {
		out = append(out, report.Assumed)
	}
	for _, other := range report.Others {
		line := fmt.Sprintf("%s: %s does not count: %s", place(other.Origin), other.Origin.Container, other.Message)
		if other.Fix != "" {
			line += "; " + other.Fix
		}
		out = append(out, line)
	}
	return out
}

// sayPicked says which containers of the files a selector picks; where it is none, what to do.
func sayPicked(s *desired.Selection) string {
	if len(s.Picked) == 0 {
		said := s.Say("of these files")
		if s.Fix != "" {
			said += "; " + s.Fix
		}
		return said
	}
	var leftOut, why []string
	for _, problem := range s.LeftOut {
		leftOut = append(leftOut, problem.Origin.Container)
		why = append(why, fmt.Sprintf("%s is left out: %s", problem.Origin.Container, problem.Message))
	}
	picks := []string{"brings nobody in"}
	if in := slices.DeleteFunc(slices.Clone(s.Picked), func(name string) bool { return slices.Contains(leftOut, name) }); len(in) > 0 {
		picks = []string{"picks " + strings.Join(in, ", ")}
	}
	return fmt.Sprintf("its selector (%s) %s", s.Origin, strings.Join(append(picks, why...), "; "))
}

// writeForecast writes the same as Markdown, for a merge request.
func writeForecast(p *printer, report forecast.Report) {
	list := func(text string) { p.line("- %s", inMarkdown(text)) }
	rows := forecastRows(report)
	if len(rows) == 0 {
		p.line("%s", noService)
	} else {
		p.line("| service | route | gateways | asked for at |")
		p.line("|---|---|---|---|")
	}
	for _, row := range rows {
		for i := range row {
			row[i] = inMarkdown(row[i])
		}
		p.line("| %s |", strings.Join(row, " | "))
	}
	p.line("")
	for _, remark := range remarks(report) {
		list(remark)
	}
	for _, problem := range report.Problems {
		text := place(problem.Origin) + ": " + on(problem.Gateway) + problem.Message
		if problem.Fix != "" {
			text += "; " + problem.Fix
		}
		list(text)
	}
	p.line("")
	p.line("**%s in %s**", count(len(report.Problems), "problem"), count(len(report.Projects), "file"))
}

// place says where something stands, without the container, which the line tells.
func place(at v1.Origin) string {
	if at.File == "" {
		return at.String()
	}
	return v1.Origin{File: at.File, Line: at.Line, Column: at.Column}.String()
}

// on begins what is so on one gateway; "" when it is so on each.
func on(gateway v1.Gateway) string {
	if gateway == "" {
		return ""
	}
	return "on " + string(gateway) + ": "
}

// printPlaced prints each problem as a compiler does.
func printPlaced(p *printer, problems []v1.Problem, texts map[string][]byte) {
	for _, problem := range problems {
		p.line("%s: %s%s", place(problem.Origin), on(problem.Gateway), problem.Message)
		for _, line := range manifests.Excerpt(texts[problem.Origin.File], problem.Origin) {
			p.line("%s", line)
		}
		if problem.Fix != "" {
			p.line("      → %s", problem.Fix)
		}
	}
}

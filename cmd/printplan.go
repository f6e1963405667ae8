package cmd

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lockstep/lockstep/api/server"
	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// looks is how a change is shown at a glance.
type looks struct{ mark, colour, verb string }

var looksOf = map[plan.Op]looks{
	plan.Create: {"+", green, "to add"},
	plan.Update: {"~", yellow, "to change"},
	plan.Delete: {"-", red, "to remove"},
}

// printPlans shows plans service by service, and what they come to for each gateway.
func printPlans(p *printer, plans []server.GatewayPlan) {
	width := 0
	for _, gateway := range plans {
		width = max(width, len(gateway.Gateway))
	}
	for _, service := range servicesOf(plans) {
		p.painted(bold, "%s", service.title)
		for _, line := range service.lines {
			p.verbatim(func() { p.painted(line.colour, "  %-*s  %s %s", width, line.gateway, line.mark, line.text) })
			if line.note != "" {
				p.line("  %-*s      %s", width, "", line.note)
			}
		}
		p.line("")
	}
	for _, gateway := range plans {
		p.line("%s: %s", gateway.Gateway, summary(gateway))
		if gateway.Error != "" {
			p.line("  %s", gateway.Error)
		}
	}
	if slices.ContainsFunc(plans, func(g server.GatewayPlan) bool { return len(g.Held) > 0 }) {
		p.line("The guard keeps back what is marked with !, for much would go at once. Let it go with: lockstep apply --confirm")
	}
	if slices.ContainsFunc(plans, func(g server.GatewayPlan) bool { return len(g.Reported) > 0 }) {
		p.line("Somebody else changed what is marked with ?, and it is left so. Have it put back with: lockstep apply --repair")
	}
	listProblems(p, planProblems(plans))
}

// planProblems says what will not be served as asked, and once what is so on each gateway.
func planProblems(plans []server.GatewayPlan) []string {
	var gateways []v1.Gateway
	var all []v1.Problem
	for _, plan := range plans {
		gateways = append(gateways, plan.Gateway)
		all = append(all, plan.Problems...)
	}
	var lines []string
	for _, problem := range v1.Once(all, gateways) {
		line := problem.Error()
		if problem.Gateway != "" {
			line = string(problem.Gateway) + ": " + line
		}
		lines = append(lines, line)
	}
	return lines
}

// serviceChanges is what is shown of one service.
type serviceChanges struct {
	title string
	lines []changeLine
}

// changeLine is one change as it is shown.
type changeLine struct {
	gateway, mark, colour, text, note string
	origin                            string // where it was asked for; "" when it is not known
}

// servicesOf sorts the changes of all gateways by service; first what belongs to none.
func servicesOf(plans []server.GatewayPlan) []serviceChanges {
	type place struct{ service, group string }
	byPlace := map[place]*serviceChanges{}
	add := func(change server.Change, line changeLine) {
		at := place{change.Service, change.Group}
		s := byPlace[at]
		if s == nil {
			s = &serviceChanges{title: cmp.Or(at.service, at.group, "all services")}
			byPlace[at] = s
		}
		s.lines = append(s.lines, line)
	}
	for _, gateway := range plans {
		for _, change := range gateway.Changes {
			look := looksOf[change.Operation]
			line := changeLine{gateway: string(gateway.Gateway), mark: look.mark, colour: look.colour, text: change.Sentence}
			if !change.Origin.IsZero() {
				line.origin = change.Origin.String()
				line.text += askedAt(change)
			}
			if change.Reload != "" {
				line.note = "needs a reload: " + change.Reload
			}
			add(change, line)
		}
		for _, change := range gateway.Held {
			add(change, changeLine{gateway: string(gateway.Gateway), mark: "!", colour: magenta, text: "held by the guard: " + change.Sentence})
		}
		for _, change := range gateway.Reported {
			add(change, changeLine{gateway: string(gateway.Gateway), mark: "?", colour: magenta, text: "only reported: " + change.Sentence + askedAt(change)})
		}
	}
	places := slices.SortedFunc(maps.Keys(byPlace), func(a, b place) int {
		return cmp.Or(cmp.Compare(a.service, b.service), cmp.Compare(a.group, b.group))
	})
	out := make([]serviceChanges, 0, len(places))
	for _, at := range places {
		out = append(out, *byPlace[at])
	}
	return out
}

// askedAt says where a change was asked for, behind its sentence; "" when it is not known.
func askedAt(change server.Change) string {
	if change.Origin.IsZero() {
		return ""
	}
	return "  (" + change.Origin.String() + ")"
}

// summary says in a line what a gateway's plan comes to.
func summary(g server.GatewayPlan) string {
	if g.Error != "" {
		return "unknown"
	}
	counts, reloads := map[plan.Op]int{}, 0
	for _, change := range g.Changes {
		counts[change.Operation]++
		if change.Reload != "" {
			reloads = 1 // they share one
		}
	}
	var parts []string
	for _, op := range []plan.Op{plan.Create, plan.Update, plan.Delete} {
		if counts[op] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[op], looksOf[op].verb))
		}
	}
	if reloads > 0 {
		parts = append(parts, "one reload")
	}
	if len(g.Held) > 0 {
		parts = append(parts, sayOwners(ownersIn(g.Held))+" held by the guard")
	}
	if len(g.Reported) > 0 {
		parts = append(parts, count(len(g.Reported), "change")+" of others left as they are")
	}
	if len(parts) == 0 {
		return "nothing to change"
	}
	return strings.Join(parts, ", ")
}

// writePlans writes plans as Markdown, for a merge request.
func writePlans(p *printer, plans []server.GatewayPlan) {
	for _, gateway := range plans {
		p.line("- **%s**: %s", gateway.Gateway, summary(gateway))
		if gateway.Error != "" {
			p.line("  - %s", inMarkdown(gateway.Error))
		}
	}
	if problems := planProblems(plans); len(problems) > 0 {
		p.line("")
		p.line("Problems:")
		p.line("")
		for _, line := range problems {
			p.line("- %s", inMarkdown(line))
		}
	}
	services := servicesOf(plans)
	if len(services) == 0 {
		return
	}
	p.line("")
	p.line("| service | gateway | | change |")
	p.line("|---|---|---|---|")
	for _, service := range services {
		for _, line := range service.lines {
			text := inMarkdown(line.text)
			if line.note != "" {
				text += "<br>" + inMarkdown(line.note)
			}
			p.line("| %s | %s | `%s` | %s |", inMarkdown(service.title), line.gateway, line.mark, text)
		}
	}
}

// inMarkdown writes text so that Markdown, and the HTML that it becomes, shows it as
// it is: labels are written by strangers.
func inMarkdown(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case strings.ContainsRune("\\`*_{}[]()#+!|~@", r):
			b.WriteString("\\" + string(r))
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '&':
			b.WriteString("&amp;")
		default:
			b.WriteRune(r)
		}
	}
	return strings.ReplaceAll(b.String(), "://", `\://`) // it links nowhere
}

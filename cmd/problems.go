package cmd

import (
	"fmt"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
	"github.com/lockstep/lockstep/controller/status"
)

// printProblems prints what needs somebody's attention.
func printProblems(p *printer, report status.Report) { listProblems(p, problemLines(report)) }

// listProblems prints a line for each problem, which a terminal wraps at its width; nothing
// where there is none.
func listProblems(p *printer, lines []string) {
	if len(lines) == 0 {
		return
	}
	p.line("")
	p.line("PROBLEMS")
	for _, line := range lines {
		p.item("  ", line)
	}
}

// shared are lines that are said of several gateways at once where they are the same.
type shared struct {
	lines []string
	of    map[string]int       // which of them, by what they say
	on    map[int][]v1.Gateway // of whom that is said
}

// add adds a line with a gateway's name in it, or the name to the line that says the same.
func (s *shared) add(before string, gateway v1.Gateway, after string) {
	if s.of == nil {
		s.of, s.on = map[string]int{}, map[int][]v1.Gateway{}
	}
	says := before + "\n" + after
	i, said := s.of[says]
	if !said {
		i = len(s.lines)
		s.of[says] = i
		s.lines = append(s.lines, "")
	}
	if !slices.Contains(s.on[i], gateway) {
		s.on[i] = append(s.on[i], gateway)
	}
	names := make([]string, len(s.on[i]))
	for at, name := range s.on[i] {
		names[at] = string(name)
	}
	s.lines[i] = before + strings.Join(names, ", ") + after
}

// plain adds a line that names no gateway.
func (s *shared) plain(line string) { s.lines = append(s.lines, line) }

// problemLines says what needs somebody's attention, each in a line; what is the same on
// several gateways in one.
func problemLines(report status.Report) []string {
	var lines shared
	troubled := map[v1.Gateway]v1.Reason{} // what ails all of a gateway is said once
	said := map[string]bool{}              // of gateways: a secret that can't be read is its source's problem too
	for _, g := range report.Gateways {
		if g.Error != "" {
			troubled[g.Name] = g.Reason
			lines.add("", g.Name, ": "+g.Error)
		}
		for _, problem := range g.Problems {
			said[problem.Error()] = true
			if g.Error == "" || problem.Error() != g.Error && problem.Message != g.Error {
				lines.add("", g.Name, ": "+problem.Error()+vacant(report.Services, problem.Object))
			}
		}
		for _, held := range g.Held {
			lines.add("", g.Name, ": "+held.Problem(g.Name).Error())
		}
	}
	for _, service := range report.Services {
		for _, problem := range service.Problems {
			lines.plain(problem.Error())
		}
		if line := emptied(service); line != "" {
			lines.plain(line)
		}
		for _, route := range service.Routes {
			for _, verdict := range unserved(route.Verdicts) {
				if isEmptied(service, verdict) {
					continue
				}
				if troubled[verdict.Gateway] == "" && troubled[verdict.Through] != verdict.Reason && !told(report.Gateways, verdict) {
					lines.add("route "+route.Name+" on ", verdict.Gateway, ": "+sayVerdict(verdict)+vacant(report.Services, v1.Key{Kind: v1.KindRoute, Name: route.Name}))
				}
			}
		}
	}
	for _, problem := range report.Wrong() {
		if !said[problem.Error()] {
			lines.plain(problem.Error())
		}
	}
	return lines.lines
}

// isEmptied reports whether a verdict on a route says no more than that its service has no
// container left.
func isEmptied(service status.Service, verdict desired.Verdict) bool {
	return len(service.Instances) == 0 && verdict.Reason == v1.Draining
}

// emptied says of a service without containers, in one line for all its routes on all
// gateways, what they answer; "" of every other.
func emptied(service status.Service) string {
	var first desired.Verdict
	var on []string
	routes := 0
	for _, route := range service.Routes {
		has := false
		for _, verdict := range route.Verdicts {
			if !isEmptied(service, verdict) {
				continue
			}
			if first.Gateway == "" {
				first = verdict
			}
			if has = true; !slices.Contains(on, string(verdict.Gateway)) {
				on = append(on, string(verdict.Gateway))
			}
		}
		if has {
			routes++
		}
	}
	if routes == 0 {
		return ""
	}
	line := fmt.Sprintf("service %s (%s) on %s: %s", service.Service, count(routes, "route"), strings.Join(on, ", "), first.Reason)
	if first.Message != "" {
		line += ": " + first.Message
	}
	if first.Fix != "" {
		line += "; " + first.Fix
	}
	if service.Until == nil { // else until when it is kept is worth a word
		return line
	}
	return line + vacant([]status.Service{service}, v1.Key{Kind: v1.KindService, Name: service.Service})
}

// told reports whether a gateway's own problems give the cause of a verdict already: they
// name the container and its label, or the place in a file.
func told(gateways []status.Gateway, verdict desired.Verdict) bool {
	for _, g := range gateways {
		for _, problem := range g.Problems {
			if g.Name == verdict.Gateway && problem.Reason == verdict.Reason && strings.HasSuffix(verdict.Message, problem.Message) {
				return true
			}
		}
	}
	return false
}

// vacant says of what belongs to a service without instances that it does, and until when
// it is kept; "" of all else.
func vacant(services []status.Service, object v1.Key) string {
	name := object.Name
	if dot := strings.LastIndexByte(name, '.'); object.Kind == v1.KindRoute && dot > 0 {
		name = name[:dot]
	}
	for _, s := range services {
		if s.Service != name || len(s.Instances) > 0 || object.Kind != v1.KindRoute && object.Kind != v1.KindService {
			continue
		}
		if s.Until == nil {
			return " (service " + name + " has no instances)"
		}
		return " (service " + name + " has no instances any more, and is kept until " + sayTime(*s.Until) + ")"
	}
	return ""
}

// unserved returns the verdicts that somebody should know of. A service that
// names its gateways knows that it is not on the others.
func unserved(verdicts []desired.Verdict) []desired.Verdict {
	var out []desired.Verdict
	for _, verdict := range verdicts {
		if verdict.Wanting() {
			out = append(out, verdict)
		}
	}
	return out
}

// sayVerdict says a verdict in a line, but on which gateway: "Conflict: why; fix".
func sayVerdict(verdict desired.Verdict) string {
	line := string(verdict.Reason)
	if verdict.Message != "" {
		line += ": " + verdict.Message
	}
	if verdict.Fix != "" {
		line += "; " + verdict.Fix
	}
	return line
}

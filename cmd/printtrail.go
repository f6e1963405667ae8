package cmd

import (
	"slices"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
	"github.com/lockstep/lockstep/controller/status"
)

// markLooks are how a step's result is shown at a glance, with signs and without.
var markLooks = map[desired.Mark]struct{ sign, word, colour string }{
	desired.MarkOK:     {"✓", "ok", ""},
	desired.MarkOpen:   {"…", "..", yellow},
	desired.MarkFailed: {"✗", "NO", red},
	desired.MarkMoot:   {"·", "--", ""},
}

// printTrails prints the decisions on an instance in a service.
func printTrails(p *printer, trails []desired.Trail, service string, instance desired.InstanceStanding) {
	var said []string
	for _, verdict := range instance.Verdicts {
		said = append(said, verdict.Fix)
	}
	for _, trail := range trails {
		if trail.Service == service && trail.ID == instance.ID {
			p.line("  how that was decided:")
			printSteps(p, trail.Steps, said)
		}
	}
}

// printOtherTrails prints the decisions on what is no instance of a service.
func printOtherTrails(p *printer, e status.Explanation) {
	var said []string
	for _, problem := range e.Problems {
		said = append(said, problem.Fix)
	}
	for _, trail := range e.Decisions {
		if slices.ContainsFunc(e.Services, func(s status.Service) bool {
			return s.Service == trail.Service && slices.ContainsFunc(s.Instances, func(i desired.InstanceStanding) bool { return i.ID == trail.ID })
		}) {
			continue
		}
		p.line("container %s (%.12s)", trail.Container, trail.ID)
		p.line("  how that was decided:")
		printSteps(p, trail.Steps, said)
	}
}

// byGateway puts together what is decided for each gateway, in the order in which they
// appear. What was decided and what became of it stand apart in steps.
func byGateway(steps []desired.Step) []desired.Step {
	var order []v1.Gateway
	for _, step := range steps {
		if !slices.Contains(order, step.Gateway) {
			order = append(order, step.Gateway)
		}
	}
	return slices.SortedStableFunc(slices.Values(steps), func(a, b desired.Step) int {
		return slices.Index(order, a.Gateway) - slices.Index(order, b.Gateway)
	})
}

// printSteps prints steps, one to a line; what is said above them need not be done again.
func printSteps(p *printer, steps []desired.Step, said []string) {
	var gateway v1.Gateway
	for _, step := range byGateway(steps) {
		if step.Gateway != gateway {
			gateway = step.Gateway
			p.line("    on %s", gateway)
		}
		look := markLooks[step.Result]
		mark := look.word
		if p.signs {
			mark = look.sign
		}
		reason := ""
		if step.Reason != "" {
			reason = string(step.Reason) + ": "
		}
		if look.colour != "" {
			p.painted(look.colour, "    %-2s %-11s %s%s", mark, step.Name, reason, step.Message)
		} else {
			p.line("    %-2s %-11s %s%s", mark, step.Name, reason, step.Message)
		}
		if step.Fix != "" && !slices.Contains(said, step.Fix) {
			p.line("       → %s", step.Fix)
		}
	}
}

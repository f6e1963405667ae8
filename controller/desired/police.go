package desired

import (
	"maps"
	"slices"

	"github.com/lockstep/lockstep/api/policy"
	v1 "github.com/lockstep/lockstep/api/v1"
)

// police sets a container apart whose labels ask for what the operator has not given, or
// claim what policies refuse: all of it, as with a label that is wrong, for half of a wish may
// be more open than the whole. A service that selects it is not its own wish: where that is
// refused, the rest stands. before is what was known of it. What a service had by one alone
// that policies refuse gets no grace time: it should never have been served.
func (b *Builder) police(c, before *container) {
	c.declared, c.problems, c.banned = nil, c.wrong, false
	if len(c.wrong) > 0 {
		return
	}
	own, others := c.divide()
	if c.problems, c.banned = b.refused(c, own); len(c.problems) == 0 {
		c.declared = own
		for i := range others {
			problems, _ := b.refused(c, others[i:i+1])
			if c.problems = append(c.problems, problems...); len(problems) == 0 {
				c.declared = append(c.declared, others[i])
			}
		}
	}
	if len(c.problems) == 0 {
		return
	}
	c.problems = slices.Compact(c.problems)
	b.denied[c.instance.ID] = c
	if before != nil && c.banned {
		for i := range before.declared {
			if name := before.declared[i].Service.Name; before.names(name) { // a manifest's own has no grace time
				b.expelled[name] = true
			}
		}
	}
}

// refused says why a container may not be part of services for which it asks, or which
// select it, and whether it is for policies; nothing when it may.
func (b *Builder) refused(c *container, parts []v1.DeclaredService) (problems []v1.Problem, banned bool) {
	if problems = b.ungiven(c, parts); len(problems) > 0 {
		return problems, false
	}
	if problems = b.judged(c, parts); len(problems) > 0 {
		return problems, true
	}
	return b.unlet(c, parts), false
}

// judged returns what policies refuse of what is asked for.
func (b *Builder) judged(c *container, parts []v1.DeclaredService) []v1.Problem {
	if len(b.policies) == 0 {
		return nil
	}
	var problems []v1.Problem
	for i := range parts {
		problems = append(problems, b.policies.Judge(b.claim(c, &parts[i]))...)
	}
	return problems
}

// claim returns what a container asks for of one service, with what a manifest says
// beside it. Routes that the manifest sets are its own claims, but where labels add to them.
func (b *Builder) claim(c *container, part *v1.DeclaredService) policy.Claim {
	asked := part.Service
	if s := b.services[asked.Name]; s != nil && s.said != nil {
		asked, _ = s.said.Over(asked)
		alone, _ := s.said.Over(v1.NewService(asked.Name))
		asked.Routes = slices.DeleteFunc(slices.Clone(asked.Routes), func(r v1.Route) bool {
			return slices.ContainsFunc(alone.Routes, func(own v1.Route) bool { return own.Name == r.Name && own.SameAs(r) })
		})
		for i := range asked.Routes {
			for n := range part.Service.Routes {
				if theirs := &part.Service.Routes[n]; theirs.Name == asked.Routes[i].Name {
					asked.Routes[i].Origin = theirs.Origin
				}
			}
		}
	}
	return policy.Claim{
		Source: policy.FromLabels, Container: c.instance.Name, Labels: c.instance.Labels, Project: c.instance.Project, Port: part.Port,
		Service: asked, Gateways: b.wished(&asked), Origin: v1.Origin{Container: c.instance.Name},
	}
}

// lawful returns what a manifest declares, withheld where policies refuse it: left
// out, labels alone would decide, and let through what it should not.
func (b *Builder) lawful(declared *v1.Declared) *v1.Declared {
	if declared == nil {
		return nil
	}
	problems := b.policies.JudgeManifest(declared, b.wished(&declared.Service))
	if len(problems) == 0 {
		return declared
	}
	next := *declared
	next.Withheld = &problems[0]
	return &next
}

// barred marks the services that nobody but a denied container is in, though they had
// members when the ledger was written: what they had by it alone, before the policies
// changed while nobody looked, gets no grace time either.
func (b *Builder) barred() {
	for _, c := range b.denied {
		for i := range c.labelled {
			if !c.banned {
				continue
			}
			if remembered, known := b.memory.Services.Lookup(c.labelled[i].Service.Name); known && remembered.Until.IsZero() {
				b.expelled[c.labelled[i].Service.Name] = true
			}
		}
	}
}

// banned reports whether a policy withholds the service: it holds no match, or nobody
// else could have what it may not.
func (s *service) banned() bool {
	why := s.withheld()
	return why != nil && why.Reason == v1.PolicyDenied
}

// withheld says why no gateway may serve the service; nil: nothing forbids it. What
// policies say of a manifest is not said of what the service is pinned to instead,
// which they have let pass.
func (s *service) withheld() *v1.Problem {
	if s.declared == nil || s.declared.Withheld == nil || s.pin != nil && s.declared.Withheld.Reason == v1.PolicyDenied {
		return nil
	}
	return s.declared.Withheld
}

// affected returns the containers to judge anew, by their ids, where these services
// were declared anew, or select others than before; all where the policies changed. What
// manifests say of a service takes the place of labels that are judged here.
func (b *Builder) affected(redeclared map[string]bool, policies bool) []string {
	ids := map[string]bool{}
	for _, id := range b.reselected() {
		ids[id] = true
	}
	if policies {
		for id := range b.containers {
			ids[id] = true
		}
	} else {
		for name := range redeclared {
			if s := b.services[name]; s != nil {
				for id := range s.members {
					ids[id] = true
				}
			}
		}
		for id, c := range b.denied {
			if slices.ContainsFunc(c.asked, func(part v1.DeclaredService) bool { return redeclared[part.Service.Name] }) {
				ids[id] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(ids))
}

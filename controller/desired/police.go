package desired

import (
	"maps"
	"slices"

	"github.com/lockstep/lockstep/api/policy"
	v1 "github.com/lockstep/lockstep/api/v1"
)

// police sets a container apart whose labels ask for what the operator has not given, or
// claim what policies refuse: all of it, as with a label that is wrong, for half of a wish may
// be more open than the whole. before is what was known of it. What a service had by one alone
// that policies refuse gets no grace time: it should never have been served.
func (b *Builder) police(c, before *container) {
	c.declared, c.problems, c.banned = c.asked, c.wrong, false
	if !c.enabled || len(c.wrong) > 0 {
		return
	}
	problems := b.ungiven(c)
	if len(problems) == 0 {
		problems = b.judged(c)
		c.banned = len(problems) > 0
	}
	if len(problems) == 0 {
		problems = b.unlet(c)
	}
	if len(problems) > 0 {
		c.declared, c.problems = nil, slices.Compact(problems)
		b.denied[c.instance.ID] = c
		if before != nil && c.banned {
			for i := range before.declared {
				b.expelled[before.declared[i].Service.Name] = true
			}
		}
	}
}

// judged returns what policies refuse of what a container asks for.
func (b *Builder) judged(c *container) []v1.Problem {
	if len(b.policies) == 0 {
		return nil
	}
	var problems []v1.Problem
	for i := range c.asked {
		problems = append(problems, b.policies.Judge(b.claim(c, &c.asked[i]))...)
	}
	return problems
}

// claim returns what a container asks for of one service, with what a manifest says
// beside it. Routes that the manifest sets are its own claims.
func (b *Builder) claim(c *container, part *v1.DeclaredService) policy.Claim {
	asked := part.Service
	if s := b.services[asked.Name]; s != nil && s.said != nil {
		asked, _ = s.said.Over(asked)
		asked.Routes = slices.DeleteFunc(slices.Clone(asked.Routes), func(r v1.Route) bool {
			return slices.ContainsFunc(s.said.Service.Routes, func(own v1.Route) bool { return own.Name == r.Name })
		})
	}
	return policy.Claim{
		Source: policy.FromLabels, Container: c.instance.Name, Labels: c.instance.Labels, Project: c.instance.Project, Port: part.Port,
		Service: asked, Gateways: b.ways(&asked), Origin: v1.Origin{Container: c.instance.Name},
	}
}

// lawful returns what a manifest declares, withheld where policies refuse it: left
// out, labels alone would decide, and let through what it should not.
func (b *Builder) lawful(declared *v1.Declared) *v1.Declared {
	if declared == nil {
		return nil
	}
	problems := b.policies.JudgeManifest(declared, b.options.Ways)
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
		for i := range c.asked {
			if !c.banned {
				continue
			}
			if remembered, known := b.memory.Services[c.asked[i].Service.Name]; known && remembered.Until.IsZero() {
				b.expelled[c.asked[i].Service.Name] = true
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
// were declared anew; all where the policies changed. What manifests say of a service takes the
// place of labels that are judged here.
func (b *Builder) affected(redeclared map[string]bool, policies bool) []string {
	ids := map[string]bool{}
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

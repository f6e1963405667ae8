package desired

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/snapshot"
)

// join adds the services that select the container to those that its labels name. Where
// both do, it is one part: what the manifest says of it goes before what its labels say.
// Wrong labels keep it out of all of them, for nobody knows what they were to say.
func (c *container) join(selected []selection) {
	c.asked, c.selected = c.labelled, nil
	if c.optedOut || len(selected) == 0 {
		return
	}
	if c.selected = selected; len(c.wrong) > 0 {
		return
	}
	c.asked = slices.Clone(c.labelled)
	for _, s := range selected {
		i := slices.IndexFunc(c.asked, func(part v1.DeclaredService) bool { return part.Service.Name == s.service })
		if i < 0 {
			i = len(c.asked)
			c.asked = append(c.asked, v1.NewInstance(s.service))
		}
		c.asked[i] = s.by.Over(c.asked[i])
	}
	slices.SortFunc(c.asked, func(a, b v1.DeclaredService) int { return strings.Compare(a.Service.Name, b.Service.Name) })
}

// divide returns the parts for which the container's own labels ask, and those for which
// only selectors do.
func (c *container) divide() (own, others []v1.DeclaredService) {
	if len(c.selected) == 0 {
		return c.asked, nil
	}
	for i := range c.asked {
		if c.names(c.asked[i].Service.Name) {
			own = append(own, c.asked[i])
		} else {
			others = append(others, c.asked[i])
		}
	}
	return own, others
}

// counts reports whether the container is an instance of anything.
func (c *container) counts() bool { return c.enabled || len(c.selected) > 0 }

// names reports whether the container's own labels bring it into a service.
func (c *container) names(service string) bool {
	return slices.ContainsFunc(c.labelled, func(part v1.DeclaredService) bool { return part.Service.Name == service })
}

// labelled reports whether the member's own labels bring it in. One that is only selected
// has no say in what the service asks for.
func (m member) labelled() bool { return m.container.names(m.part.Service.Name) }

// selector returns what selects the member; nil: nothing does.
func (m member) selector() *v1.Selector {
	for _, s := range m.container.selected {
		if s.service == m.part.Service.Name {
			return s.by
		}
	}
	return nil
}

// place returns where a manifest sets a field of the member itself; zero where none does.
func (m member) place(field string) v1.Origin {
	if by := m.selector(); by != nil {
		return by.Places[field]
	}
	return v1.Origin{}
}

// setBy names what sets a field of the member itself: "its label lockstep.port", or the
// place in a manifest.
func (m member) setBy(grammar v1.Grammar, field string) string {
	if at := m.place(field); !at.IsZero() {
		return at.String()
	}
	return "its label " + cmp.Or(grammar.LabelOf(subject(m.container.instance), m.part.Service.Name, field), field)
}

// Counts says of a container, known or not, by what it counts, or why it does not.
func (b *Builder) Counts(i snapshot.Instance) (by string, why *v1.Problem) {
	c := admit(b.options.Grammar, i, nil)
	selected := b.selectors.of(i.Labels)
	if unclear := c.unclear(b.options.Grammar); unclear != nil {
		return "", unclear
	}
	if c.join(selected); c.counts() {
		return c.countedBy(b.options.Grammar), nil
	}
	problem := b.options.Grammar.NotEnabledBecause(subject(i))
	switch {
	case len(selected) > 0:
		problem.Message += fmt.Sprintf(", and %s does not overrule it", selected[0])
		if !b.options.Grammar.ExposeAll { // else that was said
			problem.Fix += ", or remove the label"
		}
	case len(b.selectors.byService) > 0 && !c.optedOut:
		b.selectors.unselected(&problem, i.Labels)
	}
	return "", &problem
}

// countedBy says by what a container counts.
func (c *container) countedBy(grammar v1.Grammar) string {
	var by []string
	if c.enabled {
		by = append(by, enabledBy(grammar, c.instance))
	}
	for _, s := range c.selected {
		by = append(by, "picked by "+s.String())
	}
	return strings.Join(by, ", and ")
}

// unclear returns what is wrong with the label that lets the container in; nil: nothing.
func (c *container) unclear(grammar v1.Grammar) *v1.Problem {
	i := slices.IndexFunc(c.wrong, func(p v1.Problem) bool { return enables(grammar, p) })
	if i < 0 {
		return nil
	}
	return &c.wrong[i]
}

// enables reports whether a problem is one of the label that lets a container in.
func enables(grammar v1.Grammar, p v1.Problem) bool {
	return strings.EqualFold(p.Origin.Label, grammar.Prefix+"enable")
}

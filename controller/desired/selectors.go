package desired

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/snapshot"
)

// A manifest may bring containers into its service by labels that other tools have set.
// What Docker runs is therefore known whole, also what does not count: a selector may
// come at any time.

// selectors finds the services whose manifests select a container. Each selector is filed
// under one of its labels, and a container is held against those alone that are filed under
// one of its own: what an event costs grows neither with the containers nor with the
// selectors.
type selectors struct {
	byService map[string]*v1.Selector
	byLabel   map[v1.SelectorLabel][]string // the services whose selectors are filed there
	filed     map[string]v1.SelectorLabel   // by service: where
	news      bool                          // containers were not held against what is new here
}

// selection is one service whose manifest selects a container.
type selection struct {
	service string
	by      *v1.Selector
}

func newSelectors() selectors {
	return selectors{byService: map[string]*v1.Selector{}, byLabel: map[v1.SelectorLabel][]string{}, filed: map[string]v1.SelectorLabel{}}
}

// put takes in what a service selects; nil: nothing.
func (s *selectors) put(service string, selector *v1.Selector) {
	before := s.byService[service]
	switch {
	case before == nil && selector == nil:
		return
	case before != nil && selector != nil && slices.Equal(before.Labels, selector.Labels):
		s.byService[service] = selector
		return
	}
	s.news = true
	if before != nil {
		s.take(service)
	}
	if selector != nil {
		s.file(service, selector)
	}
}

// file puts a selector under that of its labels which has the fewest so far: what all
// copies of a project bear tells them apart the least.
func (s *selectors) file(service string, selector *v1.Selector) {
	under := slices.MinFunc(selector.Labels, func(a, b v1.SelectorLabel) int {
		return cmp.Compare(len(s.byLabel[a]), len(s.byLabel[b]))
	})
	s.byService[service], s.filed[service] = selector, under
	s.byLabel[under] = append(s.byLabel[under], service)
}

// take takes a selector out.
func (s *selectors) take(service string) {
	under := s.filed[service]
	left := slices.DeleteFunc(s.byLabel[under], func(other string) bool { return other == service })
	if s.byLabel[under] = left; len(left) == 0 {
		delete(s.byLabel, under)
	}
	delete(s.byService, service)
	delete(s.filed, service)
}

// of returns the services whose manifests select a container with these labels, sorted.
func (s *selectors) of(labels map[string]string) []selection {
	if len(s.byService) == 0 {
		return nil
	}
	var out []selection
	for name, value := range labels {
		for _, service := range s.byLabel[v1.SelectorLabel{Name: name, Value: value}] {
			if by := s.byService[service]; by.Selects(labels) {
				out = append(out, selection{service, by})
			}
		}
	}
	slices.SortFunc(out, func(a, b selection) int { return strings.Compare(a.service, b.service) })
	return out
}

// reselected returns the containers that other services select than before, once after
// selectors changed.
func (b *Builder) reselected() []string {
	if !b.selectors.news {
		return nil
	}
	b.selectors.news = false
	var ids []string
	for id := range b.uncounted {
		if len(b.selectors.of(b.uncounted[id].Labels)) > 0 {
			ids = append(ids, id)
		}
	}
	for id, c := range b.containers {
		if !slices.EqualFunc(c.selected, b.selectors.of(c.instance.Labels), func(a, b selection) bool { return a.service == b.service }) {
			ids = append(ids, id)
		}
	}
	return ids
}

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

// String says by what a service selects.
func (s selection) String() string {
	return fmt.Sprintf("the selector of service %s at %s", s.service, s.by.Origin)
}

// Counts says of a container, known or not, by what it counts, or why it does not.
func (b *Builder) Counts(i snapshot.Instance) (by string, why *v1.Problem) {
	c := admit(b.options.Grammar, i, nil)
	selected := b.selectors.of(i.Labels)
	if c.join(selected); c.counts() {
		return c.countedBy(b.options.Grammar), nil
	}
	problem := b.options.Grammar.NotEnabledBecause(subject(i))
	switch {
	case len(selected) > 0:
		problem.Message += fmt.Sprintf(", and %s does not overrule it", selected[0])
		problem.Fix += ", or remove the label"
	case len(b.selectors.byService) > 0 && !c.optedOut:
		problem.Message += ", and no manifest selects it"
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

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
	byLabel   map[string]map[string][]string // by a label's name and value: the services whose selectors are filed there
	filed     map[string]v1.SelectorLabel    // by service: where
	came      bool                           // no container was held against what is new here
	gone      bool                           // those that are selected still hold on to what is no more
}

// selection is one service whose manifest selects a container.
type selection struct {
	service string
	by      *v1.Selector
}

func newSelectors() selectors {
	return selectors{byService: map[string]*v1.Selector{}, byLabel: map[string]map[string][]string{}, filed: map[string]v1.SelectorLabel{}}
}

// put takes in what a service selects; nil: nothing.
func (s *selectors) put(service string, selector *v1.Selector) {
	before := s.byService[service]
	switch {
	case before == nil && selector == nil:
		return
	case before != nil && selector != nil && slices.Equal(before.Labels, selector.Labels):
		s.gone = s.gone || before != selector
		s.byService[service] = selector
		return
	}
	if before != nil {
		s.gone = true
		s.take(service)
	}
	if selector != nil {
		s.came = true
		s.file(service, selector)
	}
}

// file puts a selector under that of its labels which has the fewest so far: what all
// copies of a project bear tells them apart the least.
func (s *selectors) file(service string, selector *v1.Selector) {
	under := slices.MinFunc(selector.Labels, func(a, b v1.SelectorLabel) int {
		return cmp.Compare(len(s.byLabel[a.Name][a.Value]), len(s.byLabel[b.Name][b.Value]))
	})
	s.byService[service], s.filed[service] = selector, under
	byValue := s.byLabel[under.Name]
	if byValue == nil {
		byValue = map[string][]string{}
		s.byLabel[under.Name] = byValue
	}
	byValue[under.Value] = append(byValue[under.Value], service)
}

// take takes a selector out.
func (s *selectors) take(service string) {
	under := s.filed[service]
	byValue := s.byLabel[under.Name]
	left := slices.DeleteFunc(byValue[under.Value], func(other string) bool { return other == service })
	if byValue[under.Value] = left; len(left) == 0 {
		delete(byValue, under.Value)
	}
	if len(byValue) == 0 {
		delete(s.byLabel, under.Name)
	}
	delete(s.byService, service)
	delete(s.filed, service)
}

// of returns the services whose manifests select a container with these labels, sorted.
func (s *selectors) of(labels map[string]string) []selection {
	var out []selection
	filed := func(services []string) {
		for _, service := range services {
			if by := s.byService[service]; by.Selects(labels) {
				out = append(out, selection{service, by})
			}
		}
	}
	if len(s.byLabel) < len(labels) { // as a rule: many selectors, and all by one label of Compose
		for name, byValue := range s.byLabel {
			if value, has := labels[name]; has {
				filed(byValue[value])
			}
		}
	} else {
		for name, value := range labels {
			filed(s.byLabel[name][value])
		}
	}
	slices.SortFunc(out, func(a, b selection) int { return strings.Compare(a.service, b.service) })
	return out
}

// reselected returns the containers that other selectors select than before, once after
// selectors changed. One that nothing selected is held against selectors that are new alone.
func (b *Builder) reselected() []string {
	came, gone := b.selectors.came, b.selectors.gone
	b.selectors.came, b.selectors.gone = false, false
	var ids []string
	if came {
		for id, stranger := range b.uncounted {
			if len(b.selectors.of(stranger.Labels)) > 0 {
				ids = append(ids, id)
			}
		}
	}
	if came || gone {
		for id, c := range b.containers {
			if !slices.Equal(c.selected, b.selectors.of(c.instance.Labels)) {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// HalfSeen reports whether selectors that are declared here select a container of which not
// everything is known yet.
func HalfSeen(delta snapshot.Delta) bool {
	all := newSelectors()
	for name, declared := range delta.Declared {
		if declared != nil {
			all.put(name, declared.Selector)
		}
	}
	return len(all.byService) > 0 && slices.ContainsFunc(delta.Changed, func(i snapshot.Instance) bool {
		return i.Partial && len(all.of(i.Labels)) > 0
	})
}

// String says by what a service selects.
func (s selection) String() string {
	return fmt.Sprintf("the selector of service %s at %s", s.service, s.by.Origin)
}

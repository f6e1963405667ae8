package desired

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
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

// String says by what a service selects.
func (s selection) String() string {
	return fmt.Sprintf("the selector of service %s at %s", s.service, s.by.Origin)
}

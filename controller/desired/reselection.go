package desired

import (
	"maps"
	"slices"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/snapshot"
)

// Reselection is a service whose manifest selects by other labels than before.
type Reselection struct {
	Service       string
	Origin        v1.Origin // of its selector; where it has none any more, of the service
	Before, After int       // how many instances selectors brought in
}

// reselecting returns how many instances selectors bring into the services that are about
// to select by other labels.
func (b *Builder) reselecting(delta snapshot.Delta) map[string]int {
	if !b.begun || delta.Full {
		return nil
	}
	before := map[string]int{}
	for name, declared := range delta.Declared {
		if declared == nil {
			continue
		}
		was, is := b.selectors.byService[name], declared.Selector
		if was == nil && is == nil || was != nil && is != nil && slices.Equal(was.Labels, is.Labels) {
			continue
		}
		before[name] = b.selectedIn(name)
	}
	return before
}

// reselections returns what became of them, sorted.
func (b *Builder) reselections(before map[string]int) []Reselection {
	var out []Reselection
	for _, name := range slices.Sorted(maps.Keys(before)) {
		r := Reselection{Service: name, Before: before[name], After: b.selectedIn(name), Origin: b.services[name].said.Service.Origin}
		if by := b.selectors.byService[name]; by != nil {
			r.Origin = by.Origin
		}
		out = append(out, r)
	}
	return out
}

// selectedIn returns how many instances a selector brings into a service.
func (b *Builder) selectedIn(service string) int {
	n := 0
	if s := b.services[service]; s != nil {
		for _, m := range s.members {
			if m.selector() != nil {
				n++
			}
		}
	}
	return n
}

package crt

import (
	"cmp"
	"maps"
	"slices"
)

// Precedes orders certificates that want the same: the one that is valid for
// longer has it, then the one whose name comes first.
func (c *Certificate) Precedes(o *Certificate) bool {
	return cmp.Or(o.Until.Compare(c.Until), cmp.Compare(c.Name, o.Name)) < 0
}

// Nameless is a certificate all of whose names others have.
type Nameless struct {
	*Certificate
	By *Certificate // one of those
}

// Share gives each name, for each kind of key, to one certificate alone, so that
// what is shown does not depend on the order in which they came. One that is left
// without any name is taken out, and returned unless it is a default: that is there for
// where no name fits.
func Share(all map[string]*Certificate) []Nameless {
	var lost []Nameless
	holder := map[string]*Certificate{}
	order := slices.SortedFunc(maps.Values(all), func(a, b *Certificate) int {
		if a.Precedes(b) {
			return -1
		}
		return 1
	})
	for _, c := range order {
		var kept []string
		var other *Certificate
		for _, name := range c.Names {
			if held := holder[name+" "+c.kind]; held != nil {
				other = held
				continue
			}
			holder[name+" "+c.kind] = c
			kept = append(kept, name)
		}
		if len(kept) == len(c.Names) {
			continue
		}
		if len(kept) == 0 {
			delete(all, c.Name)
			if !c.ByDefault {
				lost = append(lost, Nameless{Certificate: c, By: other})
			}
			continue
		}
		next := *c
		next.Names = kept
		all[c.Name] = &next
	}
	return lost
}

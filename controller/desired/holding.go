package desired

import "cmp"

// holding is who has what while claims are settled.
type holding struct {
	holders map[string]*claimant
	above   map[string]*claimant // of those that must have nobody else hold a match, the one to name
}

func newHolding() holding {
	return holding{holders: map[string]*claimant{}, above: map[string]*claimant{}}
}

// give lets a claimant have all that it wants.
func (h holding) give(c *claimant) {
	for _, match := range c.matches {
		h.holders[match] = c
	}
	for _, match := range c.under {
		if other := h.above[match]; other == nil || c.route < other.route { // whoever came first
			h.above[match] = c
		}
	}
}

// hinders returns who has the first thing that a claimant wants and does not
// have; nil when nobody does.
func (h holding) hinders(c *claimant) *claimant {
	for _, match := range c.matches {
		if other := cmp.Or(h.holders[match], h.above[match]); other != nil && other != c {
			return other
		}
	}
	for _, match := range c.under {
		if other := h.holders[match]; other != nil {
			return other
		}
	}
	return nil
}

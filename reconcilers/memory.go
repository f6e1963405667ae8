package reconcilers

import (
	"slices"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// GuardMemory is what a guard remembers, sorted, in the form in which it
// outlives the daemon: without it, each restart would let some removals pass.
type GuardMemory struct {
	Passed []PassedRemoval `json:"passed,omitempty"`
	Held   []HeldRemoval   `json:"held,omitempty"`
}

// PassedRemoval is a removal that passed freely, which counts for a while.
type PassedRemoval struct {
	Owner v1.Key    `json:"owner"`
	At    time.Time `json:"at"`
}

// HeldRemoval is a removal that is kept back.
type HeldRemoval struct {
	Owner    v1.Key `json:"owner"`
	Service  string `json:"service"`
	Sentence string `json:"sentence"`
	Goes     bool   `json:"goes,omitempty"`
}

// Memory returns what is to be remembered. The same memory compares equal.
func (g *Guard) Memory() GuardMemory {
	var m GuardMemory
	for owner, at := range g.passed {
		m.Passed = append(m.Passed, PassedRemoval{Owner: owner, At: at.UTC().Round(0)})
	}
	for owner, h := range g.held {
		m.Held = append(m.Held, HeldRemoval{Owner: owner, Service: h.service, Sentence: h.sentence, Goes: h.goes})
	}
	slices.SortFunc(m.Passed, func(a, b PassedRemoval) int { return a.Owner.Compare(b.Owner) })
	slices.SortFunc(m.Held, func(a, b HeldRemoval) int { return a.Owner.Compare(b.Owner) })
	return m
}

// Remember makes a new guard go on where another one ended. The quiet time of
// what is held begins anew: nobody knows what the sources said in between.
func (g *Guard) Remember(now time.Time, m GuardMemory) {
	for _, p := range m.Passed {
		if !p.At.After(now) { // a time to come is a clock's mistake
			g.passed[p.Owner] = p.At
		}
	}
	for _, h := range m.Held {
		g.held[h.Owner] = &hold{service: h.Service, sentence: h.Sentence, since: now, goes: h.Goes}
	}
}

package status

import (
	"cmp"
	"fmt"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// Missing is one thing that is yet to come before every gateway holds what is desired.
type Missing struct {
	Text    string // what is missing, or why it is
	Failing bool   // it was tried, and Text is why it failed
}

// Missing returns what is yet to come before every gateway holds what is desired: sources
// that are not loaded, then gateways that are not up to date, or that accepted it and, where they
// are asked, don't serve it yet. None when all is done.
func (s *Store) Missing() []Missing {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.unready()
	for _, name := range s.order {
		if g := s.gateways[name]; g.ready() && len(g.pending) > 0 {
			out = append(out, Missing{Text: fmt.Sprintf("%s: changes of %d services are not applied yet", name, len(g.pending))})
		} else if g.ready() && g.serving.unproven() {
			out = append(out, g.serving.missing(name))
		}
	}
	return out
}

// unready returns what keeps it from being ready.
func (s *Store) unready() []Missing {
	if len(s.sources) == 0 {
		return []Missing{{Text: "no source is loaded yet"}}
	}
	var out []Missing
	for _, state := range s.sources {
		if !state.Loaded {
			out = append(out, Missing{Text: cmp.Or(state.Error, state.Name+" is not loaded yet"), Failing: state.Error != ""})
		}
	}
	for _, name := range s.order {
		if g := s.gateways[name]; !g.ready() {
			out = append(out, Missing{Text: string(name) + ": " + cmp.Or(g.err, "nothing is applied yet"), Failing: g.err != ""})
		}
	}
	return out
}

// ready reports whether the gateway was brought up to date, and did not fail since.
func (g *gateway) ready() bool { return !g.applied.IsZero() && g.reason == v1.Serving }

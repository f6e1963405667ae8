package status

import (
	"fmt"
	"strings"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// Applying is how far the changes are that a gateway is being told of.
type Applying struct {
	Done  int `json:"done"`  // made, or given up
	Total int `json:"total"` // of this round
	// Means is what makes all that are left at once, push or reload; missing when each is
	// made by itself.
	Means string `json:"means,omitempty"`
	// Since is when the gateway last answered one of them, or was first told.
	Since time.Time `json:"since,omitzero"`
}

// patience is how long a gateway may take over an answer before that is worth a word.
const patience = 5 * time.Second

// Waiting says that the gateway has not answered for long; "" where it has.
func (a Applying) Waiting(now time.Time) string {
	took := now.Sub(a.Since)
	if a.Since.IsZero() || took <= patience {
		return ""
	}
	what := "a change"
	if a.Means != "" {
		what = "a " + a.Means
	}
	return fmt.Sprintf("%s has been waiting for an answer for %s", what, took.Truncate(time.Second))
}

// String says it in few words.
func (a Applying) String() string {
	switch {
	case a.Means == "":
		return fmt.Sprintf("applying %d of %d", a.Done, a.Total)
	case a.Done == 0:
		return fmt.Sprintf("applying %d by one %s", a.Total, a.Means)
	}
	return fmt.Sprintf("applying %d of %d, the rest by one %s", a.Done, a.Total, a.Means)
}

// Applying notes how far a gateway's round is. Applied ends it.
func (s *Store) Applying(name v1.Gateway, now Applying) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gateways[name].applying = &now
	s.tell()
}

// Underway says in one line how far the gateways are whose changes take a while; "" when
// none do.
func (s *Store) Underway() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var parts []string
	for _, name := range s.order {
		if now := s.gateways[name].applying; now != nil {
			parts = append(parts, string(name)+": "+now.String())
		}
	}
	return strings.Join(parts, "; ")
}

package status

import (
	"cmp"
	"slices"
	"time"
)

// Unsaved is a part of the state directory that can't be written. Everything goes on without;
// a restart would go back to what the part said at Since.
type Unsaved struct {
	Part  string    `json:"part"`  // for people: ledger, manifests, history, …
	Since time.Time `json:"since"` // since when it can't be written
	Error string    `json:"error"` // why
}

// Saved notes that a part of the state directory was written at some time, or why it could
// not be.
func (s *Store) Saved(part string, err error, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known, failing := s.unsaved[part]
	switch {
	case err == nil && failing:
		delete(s.unsaved, part)
	case err != nil && (!failing || known.Error != err.Error()):
		if !failing {
			known = Unsaved{Part: part, Since: at}
		}
		known.Error = err.Error()
		s.unsaved[part] = known
	default:
		return
	}
	s.tell()
}

// Unsaved returns how many parts of the state directory can't be written.
func (s *Store) Unsaved() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.unsaved)
}

// unsavedParts are sorted by their names; nil when all was written.
func (s *Store) unsavedParts() []Unsaved {
	var parts []Unsaved
	for _, part := range s.unsaved {
		parts = append(parts, part)
	}
	slices.SortFunc(parts, func(a, b Unsaved) int { return cmp.Compare(a.Part, b.Part) })
	return parts
}

package routemap

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
)

// special holds the rows that need patterns.
type special struct {
	lines  map[string][]string // by route
	sorted []string            // nil when it must be made anew
	hosts  map[string]int      // patterns about an exact host
	open   int                 // about other hosts
	regex  int                 // routes with regular expressions
}

func newSpecial() special {
	return special{lines: map[string][]string{}, hosts: map[string]int{}}
}

// add and remove return the keys of the gates that may have changed.
func (s *special) add(target string, r *Route) []string {
	lines, err := r.patterns(target)
	if err != nil || len(lines) == 0 {
		return nil // no route that fails Check gets here
	}
	s.lines[r.Name] = lines
	return s.count(r, 1)
}

func (s *special) remove(r *Route) []string {
	if _, there := s.lines[r.Name]; !there {
		return nil
	}
	delete(s.lines, r.Name)
	return s.count(r, -1)
}

func (s *special) count(r *Route, by int) []string {
	s.sorted = nil
	keys := []string{gateAny, gateLong}
	if slices.ContainsFunc(r.Paths, func(path string) bool { return strings.HasPrefix(path, "~") }) {
		s.regex += by
	}
	if len(r.Hosts) == 0 || slices.ContainsFunc(r.Hosts, wildcard) {
		s.open += by
		return keys
	}
	for _, host := range r.Hosts {
		if s.hosts[host] += by; s.hosts[host] == 0 {
			delete(s.hosts, host)
		}
		keys = append(keys, host+gateHost)
	}
	return keys
}

// gate returns what the map of prefixes says of a gate.
func (s *special) gate(key string) (string, bool) {
	switch key {
	case gateAny:
		if s.open > 0 {
			return "any", true
		}
		return "some", len(s.hosts) > 0
	case gateLong:
		return "1", s.regex > 0
	}
	host, ok := strings.CutSuffix(key, gateHost)
	return "1", ok && s.hosts[host] > 0
}

// gates returns the keys of all gates.
func (s *special) gates() []string {
	keys := []string{gateAny, gateLong}
	for host := range s.hosts {
		keys = append(keys, host+gateHost)
	}
	return keys
}

// patterns returns all lines of patterns.map, the winner first.
func (s *special) patterns() []string {
	if s.sorted == nil {
		for _, lines := range s.lines {
			s.sorted = append(s.sorted, lines...)
		}
		s.sorted = InOrder(s.sorted)
	}
	return s.sorted
}

// InOrder sorts lines, each once, and puts the end behind them.
func InOrder(lines []string) []string {
	lines = slices.DeleteFunc(slices.Clone(lines), func(line string) bool { return line == PatternEnd })
	slices.SortFunc(lines, func(a, b string) int {
		return cmp.Or(cmp.Compare(orderOf(b), orderOf(a)), cmp.Compare(a, b))
	})
	return append(slices.Compact(lines), PatternEnd)
}

// orderOf reads the order back from a line; 0 when it has none.
func orderOf(line string) int64 {
	_, value, _ := strings.Cut(line, " ")
	fields := strings.SplitN(value, "|", 5)
	if len(fields) < 4 {
		return 0
	}
	n, err := strconv.ParseInt(fields[3], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// Patterns returns all lines of patterns.map, the winner first.
func (t *Table) Patterns() []string { return t.special.patterns() }

// RenderPatterns writes patterns.map.
func (t *Table) RenderPatterns() []byte {
	var b bytes.Buffer
	b.WriteString(disk.Head(t.owner))
	for _, line := range t.Patterns() {
		b.WriteString(line + "\n")
	}
	return b.Bytes()
}

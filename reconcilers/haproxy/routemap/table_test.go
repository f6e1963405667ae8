package routemap

import (
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// services are a source of routes by services and their own names; no backend is there.
type services struct {
	passes bool
	of     map[string]map[string]*Route
}

func (s services) Routes() iter.Seq2[string, []*Route] {
	return func(yield func(string, []*Route) bool) {
		for _, service := range slices.Sorted(maps.Keys(s.of)) {
			var routes []*Route
			for _, name := range slices.Sorted(maps.Keys(s.of[service])) {
				routes = append(routes, s.of[service][name])
			}
			if !yield(service, routes) {
				return
			}
		}
	}
}

func (s services) LiveBackend(string) (string, bool)     { return "", false }
func (s services) PassesTLS() bool                       { return s.passes }
func (s services) Restrictions() map[string]*Restriction { return nil }

// TestMapFileIsKeptRight: whatever comes and goes, the file that grew with the
// table is the one that a new table gives, and all that it holds is the whole map.
func TestMapFileIsKeptRight(t *testing.T) {
	for name, passes := range map[string]bool{"TLS ended": false, "TLS passed on": true} {
		t.Run(name, func(t *testing.T) { mapFileIsKeptRight(t, passes) })
	}
}

func mapFileIsKeptRight(t *testing.T, passes bool) {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	held := services{passes: passes, of: map[string]map[string]*Route{}}
	table := New("lockstep", held)
	for step := range 400 {
		service := fmt.Sprintf("s%d", random.IntN(6))
		name := fmt.Sprintf("%s.r%d", service, random.IntN(3))
		if have := held.of[service][name]; have != nil {
			table.Remove(have)
			delete(held.of[service], name)
		}
		if random.IntN(3) > 0 {
			next := &Route{Name: name, Service: service, Priority: random.IntN(2)}
			switch {
			case random.IntN(4) == 0: // connections, to names that are hosts of others
				next.SNIs = []string{[]string{"a.test", "*.c.test"}[random.IntN(2)], "d.test"}
			case random.IntN(4) == 0:
				next.Port = 29000 + random.IntN(2)
			}
			for range 1 + random.IntN(2) {
				next.Hosts = append(next.Hosts, []string{"a.test", "b.test", "*.c.test"}[random.IntN(3)])
				next.Paths = append(next.Paths, []string{"/", "/x", "/y", "~/z[0-9]+"}[random.IntN(4)])
			}
			next.ID = ID("lockstep", name)
			if held.of[service] == nil {
				held.of[service] = map[string]*Route{}
			}
			held.of[service][name] = next
			table.Add(next)
		}
		grown, fresh := string(table.Render()), string(New("lockstep", held).Render())
		if diff := cmp.Diff(fresh, grown); diff != "" {
			t.Fatalf("step %d: the file differs (-new table +grown):\n%s", step, diff)
		}
		lines := map[string]string{}
		for line := range strings.Lines(grown) {
			if key, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " "); ok && key != "#" {
				if _, twice := lines[key]; twice {
					t.Fatalf("step %d: the key %s stands twice", step, key)
				}
				lines[key] = value
			}
		}
		if diff := cmp.Diff(table.All(), lines); diff != "" {
			t.Fatalf("step %d: the file is not the map (-map +file):\n%s", step, diff)
		}
	}
}

// TestPatternsAreOrdered: the list says what the table does, whatever the order
// in which routes came and went.
func TestPatternsAreOrdered(t *testing.T) {
	routes := map[string]*Route{}
	for i := range 40 {
		r := &Route{Name: fmt.Sprintf("r%d.x", i), Service: fmt.Sprintf("r%d", i), Backend: "b", ID: ID("lockstep", fmt.Sprintf("r%d.x", i))}
		r.Hosts = [][]string{nil, {"a.test"}, {"*.test"}, {"a.test", "b.*"}}[i%4]
		r.Methods = [][]string{nil, {"GET"}}[i/4%2]
		r.Paths = [][]string{nil, {"/a", "/b", "/abc"}, {`~/a\d`, "/a"}}[i/8%3]
		if i%5 == 0 {
			r.Headers = map[string][]string{"x-v": {"1"}}
		}
		routes[r.Name] = r
	}
	whole, walked := New("lockstep", services{}), New("lockstep", services{})
	for _, r := range routes {
		whole.Add(r)
	}
	for range 3 {
		for _, r := range routes {
			walked.Add(r)
		}
		for name, r := range routes {
			if name != "r7.x" {
				walked.Remove(r)
			}
		}
		walked.Remove(routes["r7.x"])
	}
	if left := walked.All(); len(left) != 0 || len(walked.Patterns()) != 1 {
		t.Fatalf("left over: %v %v", left, walked.Patterns())
	}
	for _, r := range routes {
		walked.Add(r)
	}
	if d := cmp.Diff(whole.Patterns(), walked.Patterns()); d != "" {
		t.Fatal(d)
	}
	if d := cmp.Diff(whole.All(), walked.All()); d != "" {
		t.Fatal(d)
	}
	if n := len(routes); len(whole.Patterns()) < n/2 {
		t.Fatalf("only %d patterns", len(whole.Patterns()))
	}
}

// TestNobodyServesAName: whoever asks for it gets no certificate of ours.
func TestNobodyServesAName(t *testing.T) {
	table := New("lockstep", services{passes: true})
	table.Add(&Route{Name: "one.default", Service: "one", SNIs: []string{"one.test"}})
	if got, _ := table.Value("one.test|n"); got != "closed|0|0|0|one.default" {
		t.Errorf("the name leads to %q", got)
	}
}

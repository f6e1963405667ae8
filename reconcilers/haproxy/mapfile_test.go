package haproxy

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMapFileIsKeptRight: whatever comes and goes, the file that grew with the
// table is the one that a new table gives, and all that it holds is the whole map.
func TestMapFileIsKeptRight(t *testing.T) {
	for name, base := range map[string]string{"TLS ended": "", "TLS passed on": "\nfrontend " + passName("lockstep") + " "} {
		t.Run(name, func(t *testing.T) { mapFileIsKeptRight(t, base) })
	}
}

func mapFileIsKeptRight(t *testing.T, base string) {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	m := newModel()
	m.base = base
	table := newTable("lockstep", m)
	for step := range 400 {
		service := fmt.Sprintf("s%d", random.IntN(6))
		e := newEdit("lockstep", m)
		section := e.of(service)
		name := fmt.Sprintf("%s.r%d", service, random.IntN(3))
		if have := section.routes[name]; have != nil {
			table.remove(have)
			delete(section.routes, name)
		}
		if random.IntN(3) > 0 {
			next := &route{name: name, service: service, priority: random.IntN(2)}
			switch {
			case random.IntN(4) == 0: // connections, to names that are hosts of others
				next.snis = []string{[]string{"a.test", "*.c.test"}[random.IntN(2)], "d.test"}
			case random.IntN(4) == 0:
				next.port = 29000 + random.IntN(2)
			}
			for range 1 + random.IntN(2) {
				next.hosts = append(next.hosts, []string{"a.test", "b.test", "*.c.test"}[random.IntN(3)])
				next.paths = append(next.paths, []string{"/", "/x", "/y", "~/z[0-9]+"}[random.IntN(4)])
			}
			next.id = routeID("lockstep", name)
			section.routes[name] = next
			table.add(next)
		}
		m.put(e.sections())
		grown, fresh := string(renderMap("lockstep", m, table)), string(renderMap("lockstep", m, newTable("lockstep", m)))
		if diff := cmp.Diff(fresh, grown); diff != "" {
			t.Fatalf("step %d: the file differs (-new table +grown):\n%s", step, diff)
		}
		held := map[string]string{}
		for line := range strings.Lines(grown) {
			if key, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " "); ok && key != "#" {
				if _, twice := held[key]; twice {
					t.Fatalf("step %d: the key %s stands twice", step, key)
				}
				held[key] = value
			}
		}
		if diff := cmp.Diff(table.all(), held); diff != "" {
			t.Fatalf("step %d: the file is not the map (-map +file):\n%s", step, diff)
		}
	}
}

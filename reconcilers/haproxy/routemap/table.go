package routemap

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"strings"
)

// Source is what a table is made of.
type Source interface {
	// Routes returns those of each service, both in order.
	Routes() iter.Seq2[string, []*Route]
	// LiveBackend says by which name, without the owner's prefix, HAProxy has a backend, and whether
	// that takes connections, not requests; "" when it has none.
	LiveBackend(backend string) (name string, connections bool)
	// PassesTLS reports whether TLS is passed on by name.
	PassesTLS() bool
	// Restrictions returns what Listeners say of hosts, by the Listeners' names.
	Restrictions() map[string]*Restriction
}

// Table knows for every key of the map which routes claim it. Only the first
// of them stands in the map.
type Table struct {
	owner    string
	source   Source // says which backend stands for a service's
	ended    ended  // names whose TLS is not passed on, though others' may be
	claims   map[string][]claim
	wildPath int // claims that make the frontend look for wildcards with paths
	wild     int
	special  special
	texts    map[string]string // by service: what routes.map says of it; see mapfile.go
	limits   map[string]string // what Listeners say of hosts; see restriction.go
	written  int               // how long routes.map was
}

// claim is what one route would have stand at a key.
type claim struct {
	route *Route
	value string
	order int64
}

// before orders claims to the same key: the higher priority holds it, then
// whoever would in Kong, then the route whose name comes first.
func (c claim) before(o claim) int {
	return cmp.Or(cmp.Compare(o.route.Priority, c.route.Priority), cmp.Compare(o.order, c.order), cmp.Compare(c.route.Name, o.route.Name))
}

// New returns the table of all routes. The source is asked again for what becomes of backends
// afterwards; for routes and hosts that come and go there are Add, Remove and Restrain.
func New(owner string, from Source) *Table {
	t := &Table{
		owner: owner, source: from, ended: newEnded(from.PassesTLS()), claims: map[string][]claim{},
		special: newSpecial(), texts: map[string]string{}, limits: limits(from.Restrictions()),
	}
	for _, routes := range from.Routes() {
		for _, r := range routes {
			t.Add(r)
		}
	}
	return t
}

// target returns the backend's name in HAProxy. Where there is none it is that of
// the 503, and "" for a stream.
func (t *Table) target(r *Route) string {
	live, connections := t.source.LiveBackend(r.Backend)
	switch {
	case live != "" && r.Backend != "" && r.Stream() == connections:
		return Backend(t.owner, live)
	case r.Stream():
		return ""
	}
	return Hold(t.owner)
}

// Add takes a route in, and returns the keys that may now have another value.
func (t *Table) Add(r *Route) []string {
	delete(t.texts, r.Service)
	var keys []string
	for _, e := range r.entries(t.target(r)) {
		list := t.claims[e.key]
		next := claim{route: r, value: e.value, order: e.order}
		i, _ := slices.BinarySearchFunc(list, next, claim.before)
		t.claims[e.key] = slices.Insert(list, i, next)
		t.forget(t.claims[e.key])
		keys = append(keys, e.key, t.count(e.key, 1))
	}
	keys = append(keys, t.ended.count(r, 1)...)
	return append(keys, t.special.add(t.target(r), r)...)
}

// Remove takes a route out, and returns the keys that may now have another value.
func (t *Table) Remove(r *Route) []string {
	delete(t.texts, r.Service)
	var keys []string
	for _, e := range r.entries(t.target(r)) {
		t.forget(t.claims[e.key])
		list := slices.DeleteFunc(t.claims[e.key], func(c claim) bool { return c.route.Name == r.Name })
		if len(list) == 0 {
			delete(t.claims, e.key)
		} else {
			t.claims[e.key] = list
		}
		keys = append(keys, e.key, t.count(e.key, -1))
	}
	keys = append(keys, t.ended.count(r, -1)...)
	return append(keys, t.special.remove(r)...)
}

// forget drops what is kept of the services that claim a key.
func (t *Table) forget(claims []claim) {
	for _, c := range claims {
		delete(t.texts, c.route.Service)
	}
}

// count keeps the number of keys that only a look for wildcards finds, and
// returns the flag that tells the frontend of them.
func (t *Table) count(key string, by int) string {
	_, rest, _ := strings.Cut(key, "|")
	switch "|" + rest[:1] {
	case tagMixedPath, tagSuffixPath, tagPrefixPath:
		t.wildPath += by
		return flagWildPath
	case tagMixed, tagSuffix, tagPrefix:
		t.wild += by
		return flagWild
	}
	return flagWild
}

// Value returns what the map should hold for a key.
func (t *Table) Value(key string) (string, bool) {
	switch key {
	case flagWildPath:
		return "1", t.wildPath > 0
	case flagWild:
		return "1", t.wild > 0
	}
	if list := t.claims[key]; len(list) > 0 {
		return list[0].value, true
	}
	if value, limited := t.limits[key]; limited {
		return value, true
	}
	if t.ended.names[key] > 0 {
		return endedValue(t.owner), true
	}
	return t.special.gate(key)
}

// All returns the whole map.
func (t *Table) All() map[string]string {
	out := make(map[string]string, len(t.claims)+2)
	for key := range t.ended.names {
		out[key] = endedValue(t.owner)
	}
	for key, list := range t.claims {
		out[key] = list[0].value
	}
	maps.Copy(out, t.limits)
	for _, flag := range t.flags() {
		if value, ok := t.Value(flag); ok {
			out[flag] = value
		}
	}
	return out
}

// flags returns the keys that no route claims, sorted: what the frontend is told of
// all of them together. Not each of them has a value.
func (t *Table) flags() []string {
	flags := append(t.special.gates(), flagWild, flagWildPath)
	slices.Sort(flags)
	return flags
}

package haproxy

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/lockstep/lockstep/reconcilers/haproxy/setting"
)

// table knows for every key of the map which routes claim it. Only the first
// of them stands in the map.
type table struct {
	owner    string
	model    *model // says which backend stands for a service's
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
	route *route
	value string
	order int64
}

// before orders claims to the same key: the higher priority holds it, then
// whoever would in Kong, then the route whose name comes first.
func (c claim) before(o claim) int {
	return cmp.Or(cmp.Compare(o.route.priority, c.route.priority), cmp.Compare(o.order, c.order), cmp.Compare(c.route.name, o.route.name))
}

func newTable(owner string, m *model) *table {
	t := &table{owner: owner, model: m, ended: newEnded(m.passesTLS(owner)), claims: map[string][]claim{}, special: newSpecial(), texts: map[string]string{}, limits: limits(m.restrictions)}
	for _, name := range m.order {
		for _, r := range m.sections[name].routes {
			t.add(r)
		}
	}
	return t
}

// target returns the backend's name in HAProxy. Where there is none it is that of
// the 503, and "" for a stream.
func (t *table) target(r *route) string {
	b := t.model.backendOf(r.backend)
	switch {
	case b != nil && r.backend != "" && r.stream() == (b.Mode == setting.ModeTCP):
		return backendName(t.owner, b.live())
	case r.stream():
		return ""
	}
	return holdName(t.owner)
}

// add and remove change the table and return the keys that may now have
// another value.
func (t *table) add(r *route) []string {
	delete(t.texts, r.service)
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

func (t *table) remove(r *route) []string {
	delete(t.texts, r.service)
	var keys []string
	for _, e := range r.entries(t.target(r)) {
		t.forget(t.claims[e.key])
		list := slices.DeleteFunc(t.claims[e.key], func(c claim) bool { return c.route.name == r.name })
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
func (t *table) forget(claims []claim) {
	for _, c := range claims {
		delete(t.texts, c.route.service)
	}
}

// count keeps the number of keys that only a look for wildcards finds, and
// returns the flag that tells the frontend of them.
func (t *table) count(key string, by int) string {
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

// value returns what the map should hold for a key.
func (t *table) value(key string) (string, bool) {
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

// all returns the whole map.
func (t *table) all() map[string]string {
	out := make(map[string]string, len(t.claims)+2)
	for key := range t.ended.names {
		out[key] = endedValue(t.owner)
	}
	for key, list := range t.claims {
		out[key] = list[0].value
	}
	maps.Copy(out, t.limits)
	for _, flag := range t.flags() {
		if value, ok := t.value(flag); ok {
			out[flag] = value
		}
	}
	return out
}

// flags returns the keys that no route claims, sorted: what the frontend is told of
// all of them together. Not each of them has a value.
func (t *table) flags() []string {
	flags := append(t.special.gates(), flagWild, flagWildPath)
	slices.Sort(flags)
	return flags
}

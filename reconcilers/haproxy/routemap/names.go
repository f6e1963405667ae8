package routemap

import (
	"maps"
	"slices"
	"strings"
)

// The keys of names in routes.map.
const (
	tagName       = "|n" // NAME|n
	tagNameSuffix = "|m" // example.com|m for *.example.com
)

// closedTarget stands in the map in place of a backend where nobody serves a name. The
// listener that ends TLS must not answer then: its certificate is not the one that
// the client is meant to see.
const closedTarget = "closed"

// nameKey returns the key of a name.
func nameKey(name string) string {
	if suffix, wild := strings.CutPrefix(name, "*."); wild {
		return suffix + tagNameSuffix
	}
	return name + tagName
}

// passedOn are the lines of the names that the route takes.
func (r *Route) passedOn(target string) []entry {
	if target == "" {
		target = closedTarget
	}
	var out []entry
	for _, name := range r.SNIs {
		out = append(out, entry{key: nameKey(name), value: r.value(target, "", 0)})
	}
	return out
}

// ended are the names of hosts of HTTP, by their keys, with how many routes have them:
// the listener that ends TLS answers to these. Hosts that end with a star are no
// names that can be passed on.
type ended struct {
	passes bool // else there is nothing to tell them from
	names  map[string]int
	order  []string // sorted; nil when it must be made anew
}

func newEnded(passes bool) ended { return ended{passes: passes, names: map[string]int{}} }

// endedValue is the map's value for them.
func endedValue(owner string) string { return TLSGate(owner) + "|0|0|0" }

// count notes that a route comes or goes, and returns the keys that are there now and
// were not before, or the other way round.
func (e *ended) count(r *Route, by int) (keys []string) {
	if !e.passes || r.Stream() || r.Port != 0 {
		return nil
	}
	for _, host := range r.Hosts {
		if strings.HasSuffix(host, "*") {
			continue
		}
		key := nameKey(host)
		was := e.names[key]
		if e.names[key] = was + by; was+by <= 0 {
			delete(e.names, key)
		}
		if (was > 0) != (was+by > 0) {
			keys = append(keys, key)
			if e.order != nil {
				e.toggle(key)
			}
		}
	}
	return keys
}

// toggle puts a key into the order, or takes it out when it is there.
func (e *ended) toggle(key string) {
	if i, there := slices.BinarySearch(e.order, key); there {
		e.order = slices.Delete(e.order, i, i+1)
	} else {
		e.order = slices.Insert(e.order, i, key)
	}
}

// sorted returns the keys in order.
func (e *ended) sorted() []string {
	if e.order == nil {
		e.order = slices.Sorted(maps.Keys(e.names))
	}
	return e.order
}

// MatchName finds the route of a connection, by the name in txn.n that its client asks for.
func (u Rules) MatchName() {
	u.Line("tcp-request content set-var(txn.m) var(txn.n),concat(%s),map_beg(%s)", tagName, u.routes())
	for n := MaxSuffixLabels; n > 0; n-- {
		u.Line("tcp-request content set-var(txn.m) var(txn.n),field(-1,.,%d),concat(%s),map_beg(%s) if %s { var(txn.n),field(%d,.) -m found }", n, tagNameSuffix, u.routes(), missing, n+1)
	}
}

// RejectClosed ends connections for a name that nobody serves.
func (u Rules) RejectClosed() {
	u.Line("tcp-request content reject if { var(txn.m) -m beg %s| }", closedTarget)
}

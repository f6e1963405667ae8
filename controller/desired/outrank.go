package desired

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/routing"
)

// rival is a route of any service that shares a host with a route in question.
type rival struct {
	service string
	route   v1.Route
}

// rivals returns the routes on a gateway that a service's own may meet, its own
// among them.
func (b *Builder) rivals(s *service, gateway v1.Gateway) []rival {
	var out []rival
	for _, name := range b.hosts.around(s.name) {
		for _, route := range b.served(b.services[name], gateway) {
			out = append(out, rival{name, route})
		}
	}
	return out
}

// need is a condition by which some other service picks its versions, for the part
// of a route that goes before a route of that service.
type need struct {
	route     string
	condition condition
	part      string // "" for all of the route; else what tells it from other parts
}

// needed is the part and the values that the condition has for it.
type needed struct {
	route  v1.Route
	values map[string]bool
}

// needs returns for what a service's routes must be raised.
func (b *Builder) needs(s *service, gateway v1.Gateway) map[need]needed {
	if len(b.hosts.picking) == 0 {
		return nil
	}
	out := map[need]needed{}
	own := b.served(s, gateway)
	for _, name := range b.hosts.around(s.name) {
		for _, theirs := range b.hosts.picking[name] {
			if name == s.name || theirs.gateway != gateway || len(theirs.versions) == 0 {
				continue
			}
			for _, mine := range own {
				part, before := ahead(mine, theirs.route, theirs.condition)
				if !before {
					continue
				}
				n := need{mine.Name, theirs.condition, partOf(part, mine)}
				if _, known := out[n]; !known {
					out[n] = needed{part, map[string]bool{}}
				}
				for _, version := range theirs.versions {
					out[n].values[version] = true
				}
			}
		}
	}
	return out
}

// partOf tells a part of a route from others in a few characters; "" for all of it.
func partOf(part, whole v1.Route) string {
	if len(part.Hosts) == len(whole.Hosts) && len(part.Paths) == len(whole.Paths) {
		return ""
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q", part.Hosts, part.Paths))
	return hex.EncodeToString(sum[:])[:8]
}

// raised returns further routes of a service: its own, narrowed to the requests
// that pick a version of some other service. Such a request would otherwise be taken
// from a route that goes before the other's, for routes with one more header go
// first. It is not picked, so it goes where it went.
func (b *Builder) raised(s *service, gateway v1.Gateway, needs map[need]needed) []v1.Route {
	own := map[string][]string{} // what is picked already
	for _, c := range b.hosts.picking[s.name] {
		if c.gateway == gateway {
			own[c.route.Name+c.condition.String()] = c.versions
		}
	}
	var out []v1.Route
	for n, wanted := range needs {
		rest := without(wanted.values, own[n.route+n.condition.String()])
		if route, ok := narrow(s.name, wanted.route, n.condition, rest, nil); ok {
			if n.part != "" {
				route.Name += "-" + n.part
			}
			out = append(out, route)
		}
	}
	slices.SortFunc(out, func(x, y v1.Route) int { return strings.Compare(x.Name, y.Name) })
	return out
}

// without returns what is in a set and not in a list, sorted.
func without(set map[string]bool, list []string) []string {
	return slices.DeleteFunc(sortedKeys(set), func(value string) bool { return slices.Contains(list, value) })
}

// lifted is a route before and after it is narrowed by a condition.
type lifted struct {
	name        string
	route       v1.Route
	low, high   []routing.Row
	predictable bool
}

// disturbed returns the name of a route that would lose requests, or take them from
// another, if a narrowed route were there and those that go before the one that it
// comes from were raised along with it; "" for none. Routes that match by hosts and
// plain paths alone keep their order. A route that matches by methods or headers
// gets ahead by a header more than others do, or less.
func disturbed(route, picked v1.Route, c condition, version string, rivals []rival) string {
	all := []lifted{{route.Name, route, rows(route), rows(picked), predictable(route)}}
	for _, r := range rivals {
		if r.route.Name == route.Name || !meet(r.route, route) {
			continue
		}
		part, before := ahead(r.route, route, c)
		if !before { // it stays where it is
			still := rows(r.route)
			all = append(all, lifted{r.route.Name, r.route, still, still, predictable(r.route)})
			continue
		}
		raised, ok := narrow(r.service, part, c, []string{version}, nil)
		if !ok && c.header != "" {
			if _, takes := narrow(r.service, part, condition{header: c.header}, []string{version}, nil); !takes {
				continue // no such request is for it
			}
		}
		if !ok || !within(part, route) {
			return r.route.Name
		}
		low := r.route
		low.Paths = part.Paths
		all = append(all, lifted{r.route.Name, part, rows(low), rows(raised), predictable(r.route)})
	}
	for i, x := range all {
		if i == 0 && !above(x.high, x.low) {
			return x.name
		}
		for j, y := range all {
			if i != j && (!x.predictable || !y.predictable) && x.overtaken(y) {
				return all[max(i, j)].name
			}
		}
	}
	return ""
}

// predictable reports whether a header more moves the route as it moves others.
func predictable(r v1.Route) bool {
	wild := 0
	for _, host := range r.Hosts {
		if strings.Contains(host, "*") {
			wild++
		}
	}
	return (wild == 0 || wild == len(r.Hosts)) && len(r.Methods)+len(r.Headers) == 0 && !slices.ContainsFunc(r.Paths, func(p string) bool { return p[0] == '~' })
}

// overtaken reports whether x goes before y, and would not once both are raised.
func (x lifted) overtaken(y lifted) bool {
	if !meet(x.route, y.route) {
		return false
	}
	for i := range x.low {
		for j := range y.low {
			if x.low[i].Rank >= y.low[j].Rank && x.high[i].Rank <= y.high[j].Rank && pathsMeet(x.low[i].Paths, y.low[j].Paths) {
				return true
			}
		}
	}
	return false
}

// above reports whether each of some rows ranks above the one at its place.
func above(high, low []routing.Row) bool {
	for i := range high {
		if high[i].Rank <= low[i].Rank {
			return false
		}
	}
	return true
}

// ahead returns the part of a route that goes before another, but not before what
// that becomes by a condition: the hosts and paths of requests that match both and go
// to the first. What ranks alike counts as such.
func ahead(first, second v1.Route, c condition) (v1.Route, bool) {
	if !meet(first, second) {
		return first, false
	}
	narrowed, _ := narrow("", second, c, []string{""}, nil)
	higher := rows(narrowed)
	part := first
	part.Hosts = slices.DeleteFunc(slices.Clone(first.Hosts), func(host string) bool { return !hostsMeet([]string{host}, second.Hosts) })
	before := map[string]bool{}
	for _, a := range rows(first) {
		for i, b := range rows(second) {
			for _, path := range orAny(a.Paths) {
				if a.Rank >= b.Rank && a.Rank <= higher[i].Rank && (path == "" || pathsMeet([]string{path}, b.Paths)) {
					before[path] = true
				}
			}
		}
	}
	part.Paths = slices.DeleteFunc(slices.Clone(first.Paths), func(path string) bool { return !before[path] })
	return part, len(before) > 0
}

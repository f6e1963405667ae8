package desired

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// anyHost stands for hosts that can't be looked up: none, or a wildcard.
const anyHost = ""

// hosts knows which services have routes on which hosts, so that what a rollout
// means for its neighbours costs nothing where there is none.
type hosts struct {
	of       map[string][]string        // a service's hosts, sorted
	services map[string]map[string]bool // the services on a host
	picking  map[string][]chance        // by service: how requests may pick its versions; nothing for most
	left     map[string]bool            // services that lost a neighbour
}

func newHosts() hosts {
	return hosts{of: map[string][]string{}, services: map[string]map[string]bool{}, picking: map[string][]chance{}, left: map[string]bool{}}
}

// put replaces the hosts of a service by those of its routes.
func (h *hosts) put(service string, routes []v1.Route) {
	var fresh []string
	for _, route := range routes {
		if route.Stream() {
			continue // no request of HTTP gets there
		}
		if len(route.Hosts) == 0 || slices.ContainsFunc(route.Hosts, func(host string) bool { return strings.Contains(host, "*") }) {
			fresh = append(fresh, anyHost)
		}
		fresh = append(fresh, route.Hosts...)
	}
	slices.Sort(fresh)
	fresh = slices.Compact(fresh)
	if slices.Equal(h.of[service], fresh) {
		return
	}
	_, picks := h.picking[service]
	if len(h.picking) > 0 {
		for _, near := range h.around(service) {
			if _, theirs := h.picking[near]; picks || theirs {
				h.left[near] = true
			}
		}
	}
	for _, host := range h.of[service] {
		if delete(h.services[host], service); len(h.services[host]) == 0 {
			delete(h.services, host)
		}
	}
	for _, host := range fresh {
		if h.services[host] == nil {
			h.services[host] = map[string]bool{}
		}
		h.services[host][service] = true
	}
	if h.of[service] = fresh; len(fresh) == 0 {
		delete(h.of, service)
	}
}

// around returns the services whose routes may meet those of one, itself among
// them, sorted.
func (h *hosts) around(service string) []string {
	mine := h.of[service]
	if len(mine) == 0 {
		return nil
	}
	if mine[0] == anyHost {
		return slices.Sorted(maps.Keys(h.of))
	}
	seen := maps.Clone(h.services[anyHost])
	if seen == nil {
		seen = map[string]bool{}
	}
	for _, host := range mine {
		maps.Copy(seen, h.services[host])
	}
	return sortedKeys(seen)
}

func sortedKeys(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }

// spread adds to the touched services those for which it matters who picks what:
// services whose versions are picked look at their neighbours' routes, and where
// that changes what may be picked, at the neighbours' own.
func (b *Builder) spread(touched map[string]bool) {
	maps.Copy(touched, b.hosts.left)
	b.hosts.left = map[string]bool{}
	looking := maps.Clone(touched)
	if len(b.hosts.picking) > 0 {
		for name := range touched {
			for _, near := range b.hosts.around(name) {
				if _, picks := b.hosts.picking[near]; picks {
					looking[near] = true
				}
			}
		}
	}
	for name := range looking {
		s := b.services[name]
		chances := b.chances(s)
		if reflect.DeepEqual(chances, b.hosts.picking[name]) {
			continue
		}
		if b.hosts.picking[name] = chances; chances == nil {
			delete(b.hosts.picking, name)
		}
		touched[name] = true
		for _, near := range b.hosts.around(name) {
			touched[near] = true
		}
	}
}

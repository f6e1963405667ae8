package status

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
)

// formerRoute is a route that is wanted no more, and that a gateway may still hold.
type formerRoute struct {
	service string
	route   v1.Route
}

// supersede notes which routes of a service are wanted no more. It comes before the new
// standing, nil for none, takes the old one's place.
func (s *Store) supersede(service string, standing *desired.Standing) {
	if old := s.standings[service]; old != nil {
		for _, r := range old.Routes {
			s.former[r.Name] = formerRoute{service, r.Route}
		}
	}
	if standing != nil {
		for _, r := range standing.Routes {
			delete(s.former, r.Name)
		}
	}
}

// forget drops the former routes that no gateway holds any more.
func (s *Store) forget() {
	if len(s.former) == 0 {
		return
	}
	held := map[v1.Key]bool{}
	for _, g := range s.gateways {
		for i := range g.held {
			held[g.held[i].Owner] = true
		}
	}
	maps.DeleteFunc(s.former, func(name string, f formerRoute) bool {
		for _, g := range s.gateways {
			if g.pending[f.service] > 0 {
				return false
			}
		}
		return !held[v1.Key{Kind: v1.KindRoute, Name: name}] && !held[v1.Key{Kind: v1.KindService, Name: f.service}]
	})
}

// heldOn returns the routes that a gateway's guard keeps, as those of services without
// instances, and what it keeps of which the routes are not known, as after a restart.
func (s *Store) heldOn(g Gateway) (services []Service, unknown []v1.Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	routes := map[v1.Key][]string{} // former ones, by what is held
	for _, name := range slices.Sorted(maps.Keys(s.former)) {
		route, service := v1.Key{Kind: v1.KindRoute, Name: name}, v1.Key{Kind: v1.KindService, Name: s.former[name].service}
		routes[route], routes[service] = append(routes[route], name), append(routes[service], name)
	}
	for _, h := range g.Held {
		for _, name := range routes[h.Owner] {
			f := s.former[name]
			verdict := desired.Verdict{Gateway: g.Name, Reason: v1.HeldByGuard, Message: h.Problem(g.Name).Message, Fix: h.Problem(g.Name).Fix}
			services = append(services, Service{Standing: desired.Standing{Service: f.service,
				Routes: []desired.RouteStanding{{Route: f.route, Verdicts: []desired.Verdict{verdict}}}}})
		}
		if len(routes[h.Owner]) == 0 {
			unknown = append(unknown, h.Owner)
		}
	}
	return services, unknown
}

// unknown says why nobody knows yet what a gateway serves; "" where it is known.
func (g *Gateway) unknown() string {
	if !g.Applied.IsZero() {
		return ""
	}
	return string(g.Reason) + ": " + cmp.Or(besides(g.Reason, g.Error), "it was not compared yet")
}

// stale says that what is known of a gateway is what it was last told; "" where it is more.
func (g *Gateway) stale() string {
	if g.Reason == v1.Serving {
		return ""
	}
	return asLastApplied(g.Reason, g.Error)
}

// asLastApplied says why a gateway has what it had, and no more.
func asLastApplied(reason v1.Reason, err string) string {
	return strings.TrimSuffix("as last applied; now "+string(reason)+": "+besides(reason, err), ": ")
}

// besides returns what an error says besides the reason, which it may name itself.
func besides(reason v1.Reason, err string) string {
	return strings.TrimPrefix(err, string(reason)+": ")
}

package desired

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// condition is what a request must bear to pick a version: a header, a cookie, or
// both. Names are in lower case; "" does not matter.
type condition struct{ header, cookie string }

// conditions returns the ways in which requests pick a version, for routes of their
// own. Where both are possible there is one for both, which goes before the two: so
// the header decides, whatever the cookie says.
func conditions(r v1.Rollout) []condition {
	header, cookie := strings.ToLower(r.Header), strings.ToLower(r.Cookie)
	switch {
	case header != "" && cookie != "":
		return []condition{{header, ""}, {"", cookie}, {header, cookie}}
	case r.Picks():
		return []condition{{header, cookie}}
	}
	return nil
}

// narrow returns the route for those of its requests alone that meet the condition
// with one of some values; with both, the cookie has one of the others, or any where
// those are nil. False: there are none, or they can't be told.
func narrow(service string, r v1.Route, c condition, values, others []string) (v1.Route, bool) {
	r.Name = v1.DerivedRoute(service, r.Name, c.header, c.cookie)
	r.Headers = maps.Clone(r.Headers)
	if r.Headers == nil {
		r.Headers = map[string][]string{}
	}
	for name, has := range r.Headers {
		switch strings.ToLower(name) {
		case "cookie":
			if c.cookie != "" {
				return r, false
			}
		case c.header:
			delete(r.Headers, name)
			values = slices.DeleteFunc(slices.Clone(values), func(value string) bool {
				return !slices.ContainsFunc(has, func(v string) bool { return strings.EqualFold(v, value) })
			})
		}
	}
	if len(values) == 0 {
		return r, false
	}
	if c.header != "" {
		r.Headers[c.header] = values
		values = others
	}
	if c.cookie != "" {
		r.Cookies = map[string][]string{c.cookie: values}
	}
	return r, true
}

// picks reports whether requests may pick versions of a service on a gateway at all:
// where they come to it themselves, and go from it to the instances.
func (b *Builder) picks(s *service, gateway v1.Gateway) bool {
	r := b.role(&s.settings, gateway)
	return s.settings.Rollout.Picks() && r.routes && r.instances && !s.settings.Protocol.Stream()
}

// pickable returns the versions that a request may pick on a gateway, sorted: those
// that have a name and a ready instance.
func (b *Builder) pickable(s *service, gateway v1.Gateway) []string {
	if !b.picks(s, gateway) {
		return nil
	}
	seen := map[string]bool{}
	for _, m := range slices.AppendSeq(slices.Clone(s.static), maps.Values(s.members)) {
		if version := m.part.Version; version != "" && !seen[version] && m.container.life == LifeReady && m.part.Weight > 0 {
			endpoint, verdict := b.place(s, m, gateway)
			seen[version] = endpoint != nil && verdict.Reason == v1.Serving
		}
	}
	maps.DeleteFunc(seen, func(_ string, ready bool) bool { return !ready })
	return slices.Sorted(maps.Keys(seen))
}

// served returns the routes of a service that a gateway serves, as it can express them.
func (b *Builder) served(s *service, gateway v1.Gateway) []v1.Route {
	r := b.role(&s.settings, gateway)
	if !r.routes || b.without(s, r, gateway).Reason != "" {
		return nil
	}
	var routes []v1.Route
	for i := range s.settings.Routes {
		route := &s.settings.Routes[i]
		if b.judge(s, r, gateway, route).Reason == v1.Serving {
			routes = append(routes, b.expressible(r, gateway, route))
		}
	}
	return routes
}

// chance is a way in which requests of a route may pick versions on a gateway.
type chance struct {
	gateway   v1.Gateway
	route     v1.Route
	condition condition
	versions  []string // sorted
	blocked   string   // the route for whose sake some version, or all, can't be picked
}

// chances returns how requests may pick the versions of a service; nil for not at
// all. A narrowed route ranks higher than the one that it comes from, so it could
// take requests from routes that go before that: they are raised along with it (see
// raised), and where this would not put them in their old order the version is left out.
func (b *Builder) chances(s *service) []chance {
	var out []chance
	for _, gateway := range b.options.Gateways {
		values := b.pickable(s, gateway)
		if len(values) == 0 {
			continue
		}
		rivals := b.rivals(s, gateway)
		for _, route := range b.served(s, gateway) {
			values := values
			for _, c := range conditions(s.settings.Rollout) {
				next := chance{gateway: gateway, route: route, condition: c}
				if c.header != "" && c.cookie != "" { // it only says which of the two goes first
					values = out[len(out)-2].versions
				}
				for _, version := range values {
					picked, ok := narrow(s.name, route, c, []string{version}, nil)
					blocked := route.Name
					if ok {
						blocked = disturbed(route, picked, c, version, rivals)
					}
					if blocked == "" {
						next.versions = append(next.versions, version)
					} else {
						next.blocked = blocked
					}
				}
				out = append(out, next)
			}
		}
	}
	return out
}

// versions returns the services that requests reach by picking a version: for each
// version its instances, and the service's routes narrowed to the requests that pick
// it. A version whose last ready instance drains keeps the service for it, without
// routes, so that it can finish what it has begun.
func (b *Builder) versions(s *service, gateway v1.Gateway, base *v1.Service, at []int, needs map[need]needed, standing *Standing) []*v1.Service {
	if !b.picks(s, gateway) {
		return nil
	}
	parts := map[string]*v1.Service{}
	for i, endpoint := range base.Endpoints {
		version := standing.Instances[at[i]].Version
		if version == "" {
			continue
		}
		part, known := parts[version]
		if !known {
			made := *base
			made.Name, made.Routes, made.Endpoints, made.Via = v1.VersionService(s.name, version), nil, nil, v1.Via{}
			part = &made
			parts[version] = part
		}
		part.Endpoints = append(part.Endpoints, endpoint)
	}
	for _, c := range b.hosts.picking[s.name] {
		if c.gateway != gateway {
			continue
		}
		for _, version := range c.versions {
			if part := parts[version]; part != nil {
				part.Routes = append(part.Routes, c.routes(part.Name, version, needs)...)
			}
		}
		if c.blocked != "" {
			standing.Problems = append(standing.Problems, c.problem())
		}
	}
	var out []*v1.Service
	for _, version := range slices.Sorted(maps.Keys(parts)) {
		part := parts[version]
		slices.SortFunc(part.Routes, func(x, y v1.Route) int { return strings.Compare(x.Name, y.Name) })
		out = append(out, part)
	}
	return out
}

// routes returns the routes of a version's service by which requests pick it. With a
// second one the cookie picks where the header names a version that only some other
// service on the host has.
func (c *chance) routes(service, version string, needs map[need]needed) []v1.Route {
	var out []v1.Route
	if picked, ok := narrow(service, c.route, c.condition, []string{version}, nil); ok {
		out = append(out, picked)
	}
	if c.condition.header == "" || c.condition.cookie == "" {
		return out
	}
	seen := map[string]bool{}
	for n, wanted := range needs {
		if n.route == c.route.Name && n.condition.header == c.condition.header {
			maps.Copy(seen, wanted.values)
		}
	}
	foreign := without(seen, c.versions)
	if beside, ok := narrow(service, c.route, c.condition, foreign, []string{version}); ok {
		beside.Name = v1.DerivedRoute(service, c.route.Name, "", c.condition.cookie) + "-H-" + c.condition.header
		out = append(out, beside)
	}
	return out
}

// problem says why not every version can be picked.
func (c *chance) problem() v1.Problem {
	return v1.Problem{
		Reason: v1.NotExpressible, Gateway: c.gateway,
		Object: v1.Key{Kind: v1.KindRoute, Name: c.route.Name}, Origin: c.route.Origin,
		Message: fmt.Sprintf("requests that the route %s takes can't pick a version by %s: with a header more, routes would take each other's requests (%s)",
			c.route.Name, c.condition, c.blocked),
		Fix: "match both routes by hosts and paths alone, or by the same fields",
	}
}

// String says a condition in a sentence.
func (c condition) String() string {
	switch {
	case c.cookie == "":
		return "the header " + c.header
	case c.header == "":
		return "the cookie " + c.cookie
	}
	return "the header " + c.header + " beside the cookie " + c.cookie
}

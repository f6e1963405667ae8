package desired

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// assemble puts a service together for each gateway, with the account of it,
// and adds to the result what differs from before.
func (b *Builder) assemble(name string, result *Result) {
	s, ok := b.services[name]
	if !ok {
		return
	}
	if !s.there() {
		b.dissolve(s, result)
		return
	}
	standing := &Standing{Service: name, DecidedBy: s.labels.Origin.Container, Pinned: newPinStanding(s.pin), Problems: s.problems}
	if s.rooted() {
		standing.Manifest = s.declared.Service.Origin
	}
	if s.pin == nil { // else somebody else decides all of them
		standing.Decisions = s.decisions
	}
	if !s.until.IsZero() {
		until := s.until
		standing.Until = &until
	}
	members := slices.Concat(slices.Collect(maps.Values(s.members)), s.static)
	slices.SortFunc(members, func(x, y member) int {
		return cmp.Or(
			cmp.Compare(x.container.instance.Name, y.container.instance.Name),
			cmp.Compare(x.container.instance.ID, y.container.instance.ID))
	})
	for _, m := range members {
		standing.Instances = append(standing.Instances, InstanceStanding{
			ID: m.container.instance.ID, Container: m.container.instance.Name, Version: m.part.Version, Weight: m.part.Weight,
			Origin: m.container.origin, Verdicts: make([]Verdict, 0, len(b.options.Gateways)),
		})
	}
	standing.Rollout = newRolloutStanding(s, members)
	for i := range s.settings.Routes {
		standing.Routes = append(standing.Routes, RouteStanding{Route: s.settings.Routes[i].Shown(), Verdicts: make([]Verdict, 0, len(b.options.Gateways))})
	}
	for _, gateway := range b.options.Gateways {
		b.offer(s, gateway, members, standing, result)
	}
	if !reflect.DeepEqual(s.standing, standing) {
		s.standing = standing
		result.Standings[name] = standing
	}
}

// dissolve takes a service away that has neither instances nor grace, and that no
// manifest declares.
func (b *Builder) dissolve(s *service, result *Result) {
	for gateway := range s.sets {
		s.hand(gateway, nil, result)
	}
	if s.standing != nil {
		result.Standings[s.name], s.standing = nil, nil
	}
	if s.said == nil { // else a plugin waits for it
		delete(b.services, s.name)
	}
}

// offer makes the service as one gateway should hold it.
func (b *Builder) offer(s *service, gateway v1.Gateway, members []member, standing *Standing, result *Result) {
	r := b.role(&s.settings, gateway)
	if absent := b.without(s, r, gateway); absent.Reason != "" {
		b.withhold(s, absent, standing, result)
		return
	}
	offered := v1.ExpressibleService(&s.settings, gateway)
	offered.Routes, offered.Endpoints, offered.Rollout = nil, nil, v1.Rollout{}
	for i := range s.settings.Routes {
		route := &s.settings.Routes[i]
		verdict := b.judge(s, r, gateway, route)
		if verdict.Reason == v1.Serving {
			offered.Routes = append(offered.Routes, b.expressible(r, gateway, route))
		}
		standing.Routes[i].Verdicts = append(standing.Routes[i].Verdicts, verdict)
	}
	b.chained(&offered, r)
	length, at := distinct(members), []int{}
	for i, m := range members {
		if r.behind != "" {
			_, verdict := b.place(s, m, r.behind)
			standing.Instances[i].Verdicts = append(standing.Instances[i].Verdicts, b.through(verdict, gateway, &offered))
			continue
		}
		endpoint, verdict := b.place(s, m, gateway)
		if endpoint != nil {
			endpoint.ID = endpoint.ID[:min(length, len(endpoint.ID))]
			offered.Endpoints = append(offered.Endpoints, *endpoint)
			at = append(at, i)
		}
		if r.port && !r.routes {
			verdict.From = v1.Kong
		}
		standing.Instances[i].Verdicts = append(standing.Instances[i].Verdicts, verdict)
	}
	set := v1.Set{offered.Name: &offered}
	if r.behind == "" { // what is behind is another service's, and immutable
		needs := b.needs(s, gateway)
		for _, picked := range b.versions(s, gateway, &offered, at, needs, standing) {
			set[picked.Name] = picked
		}
		b.share(s, gateway, offered.Endpoints, at, standing)
		offered.Routes = append(offered.Routes, b.raised(s, gateway, needs)...)
		for _, made := range set {
			slices.SortFunc(made.Endpoints, func(x, y v1.Endpoint) int { return cmp.Compare(x.ID, y.ID) })
		}
	}
	s.hand(gateway, set, result)
}

// hand notes what a gateway should hold of the service from now on, as far as that
// is new; nil for nothing.
func (s *service) hand(gateway v1.Gateway, set v1.Set, result *Result) {
	before := s.sets[gateway]
	for name := range before {
		if set[name] == nil {
			result.set(gateway, name, nil)
		}
	}
	for name, made := range set {
		if !reflect.DeepEqual(before[name], made) {
			result.set(gateway, name, made)
		}
	}
	if s.sets[gateway] = set; set == nil {
		delete(s.sets, gateway)
	}
}

// withhold says of all of a service that a gateway does nothing for it.
func (b *Builder) withhold(s *service, absent Verdict, standing *Standing, result *Result) {
	for i := range standing.Instances {
		standing.Instances[i].Verdicts = append(standing.Instances[i].Verdicts, absent)
	}
	for i := range standing.Routes {
		standing.Routes[i].Verdicts = append(standing.Routes[i].Verdicts, absent)
	}
	s.hand(absent.Gateway, nil, result)
}

// set notes a changed service of one gateway.
func (r *Result) set(gateway v1.Gateway, name string, s *v1.Service) {
	if r.Sets[gateway] == nil {
		r.Sets[gateway] = v1.Set{}
	}
	r.Sets[gateway][name] = s
}

// label names the label of a field, for advice.
func (b *Builder) label(field string) string { return b.options.Grammar.Prefix + field }

func join(ways []v1.Way) string {
	names := make([]string, len(ways))
	for i, way := range ways {
		names[i] = string(way)
	}
	return strings.Join(names, ", ")
}

package desired

import (
	"fmt"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// without says why a gateway does not hold a service at all; its reason is ""
// where it does.
func (b *Builder) without(s *service, r role, gateway v1.Gateway) Verdict {
	if why := s.withheld(); why != nil && r.takesPart() { // where it is not wanted, that does not matter
		return Verdict{Gateway: gateway, Reason: why.Reason, Message: why.Message, Fix: why.Fix}
	}
	if unwanted := b.unwanted(s, r, gateway); unwanted.Reason != "" {
		return unwanted
	}
	return b.beyond(s, r, gateway)
}

// unwanted says that a service does not want the gateway, or not yet; its reason is "" where it
// does.
func (b *Builder) unwanted(s *service, r role, gateway v1.Gateway) Verdict {
	if r.takesPart() && gateway == v1.Kong {
		return b.early(s)
	}
	if r.takesPart() {
		return Verdict{}
	}
	who := "its service"
	if len(s.settings.Gateways) == 0 {
		if s.settings.Protocol.Stream() {
			return Verdict{Gateway: gateway, Reason: v1.NotEnabled, Message: fmt.Sprintf("services of protocol %s are %s's, unless they name other gateways", s.settings.Protocol, v1.HAProxy),
				Fix: fmt.Sprintf("add %s to %s", gateway, b.gatewaysOf(s))}
		}
		who = "its service names none, for which the flag --gateways"
	}
	return Verdict{Gateway: gateway, Reason: v1.NotEnabled,
		Message: fmt.Sprintf("%s names other gateways: %s", who, join(b.ways(&s.settings))),
		Fix:     fmt.Sprintf("add %s to %s", gateway, b.gatewaysOf(s))}
}

// gatewaysOf names the field to who may change it: where a manifest sets it, or where no
// container has labels, as the manifest's; else as the label.
func (b *Builder) gatewaysOf(s *service) string {
	const field = "gateways"
	if s.declared == nil || s.declared.Addition || !slices.Contains(s.declared.Fields, field) && len(s.members) > 0 {
		return "the label " + b.label(field)
	}
	at := s.declared.Places[field]
	if at.IsZero() {
		at = s.declared.Service.Origin
	}
	if at.IsZero() {
		return field
	}
	return field + " in the manifest (" + at.String() + ")"
}

// beyond says what of a service as a whole a gateway can't do; its reason is "" when
// nothing stands in the way. How instances are balanced is the business of the gateway that
// reaches them.
func (b *Builder) beyond(s *service, r role, gateway v1.Gateway) Verdict {
	fields := v1.InexpressibleOfService(&s.settings, gateway)
	if len(fields) == 0 || !r.instances {
		return b.unusable(s, gateway)
	}
	return Verdict{Gateway: gateway, Reason: v1.NotExpressible,
		Message: fmt.Sprintf("%s can't express %s of its service", gateway, strings.Join(fields, ", ")),
		Fix:     b.reached(s, gateway) + ", or " + markOptional + " to serve the service without it"}
}

// judge says whether a gateway serves a route.
func (b *Builder) judge(s *service, r role, gateway v1.Gateway, route *v1.Route) Verdict {
	if r.handing && !r.routes {
		return b.unwanted(s, role{}, gateway)
	}
	if !r.routes {
		verdict := Verdict{Gateway: gateway, Reason: v1.NotEnabled,
			Message: fmt.Sprintf("its requests come through %s alone (%s)", v1.Kong, v1.KongHAProxy)}
		if len(b.inexpressible(s, r, gateway, route)) == 0 { // else it would stand open there, or not at all
			verdict.Fix = fmt.Sprintf("add %s to %s to let it take them as well", gateway, b.gatewaysOf(s))
		}
		return verdict
	}
	if !route.Fits(s.settings.Protocol) {
		return Verdict{Gateway: gateway, Reason: v1.NotExpressible,
			Message: fmt.Sprintf("its service has the protocol %s, to which its match does not fit", s.settings.Protocol),
			Fix:     "match by listen where the protocol is tcp, by snis where it is tls_passthrough, by hosts or paths where it is http"}
	}
	if r.behind == v1.Kong { // what Kong does not take would reach whatever else it serves
		behind := b.role(&s.settings, v1.Kong)
		refused := b.without(s, behind, v1.Kong)
		if refused.Reason == "" {
			refused = b.judge(s, behind, v1.Kong, route)
		}
		if refused.Reason != v1.Serving {
			refused.Gateway, refused.Through = gateway, v1.Kong
			return refused
		}
	}
	if fields := b.inexpressible(s, r, gateway, route); len(fields) > 0 {
		other := b.elsewhere(s, gateway)
		return Verdict{Gateway: gateway, Reason: v1.NotExpressible,
			Message: fmt.Sprintf("%s can't express %s, and without it the route would be more open than asked", gateway, strings.Join(fields, ", ")),
			Fix:     other.Before() + other.Only() + ", or " + leaveOut(fields, slices.Concat(s.settings.Plugins, route.Plugins)) + " to serve the route without it: then it is open there"}
	}
	if verdict := b.confined(r, gateway, route); verdict.Reason != "" {
		return verdict
	}
	if holder, byName := b.claims.lost(s.name, gateway, route.Name); holder != "" {
		return Verdict{Gateway: gateway, Reason: v1.Conflict,
			Message: held(route, holder, byName),
			Fix:     "change " + claimed(route) + " of one of them, give the one that shall win a higher priority" + b.merged(byName)}
	}
	verdict := Verdict{Gateway: gateway, Reason: v1.Serving, Through: r.behind, Message: servedWithout(leftOut(s, r, gateway, route), gateway)}
	b.tellConfined(&verdict, r, route)
	return verdict
}

// inexpressible returns the fields for whose sake a gateway does not serve a
// route. What stands before Kong need not express what Kong asks for: every request
// passes Kong, so only what is left to match by must be something.
func (b *Builder) inexpressible(s *service, r role, gateway v1.Gateway, route *v1.Route) []string {
	if r.behind == v1.Kong {
		plain := b.expressible(r, gateway, route)
		return v1.Inexpressible(&plain, gateway, nil)
	}
	return v1.Inexpressible(route, gateway, s.settings.Plugins)
}

// expressible returns a route as a gateway serves it. What hands requests on to
// Kong leaves path and Host as they came, for Kong's own route to find.
func (b *Builder) expressible(r role, gateway v1.Gateway, route *v1.Route) v1.Route {
	out := v1.Expressible(route, gateway)
	out.Hosts = b.allowed(r, &out)
	if r.behind == v1.Kong {
		out.Plugins, out.StripPath, out.PreserveHost = nil, false, true
	}
	return out
}

// held says what the holder of its match has of a route.
func held(route *v1.Route, holder string, byName bool) string {
	switch {
	case byName && route.Stream():
		return fmt.Sprintf("the route %s takes requests for one of its names (hosts)", holder)
	case byName:
		return fmt.Sprintf("the route %s takes TLS connections to one of its hosts as they are (snis)", holder)
	}
	return fmt.Sprintf("the route %s holds the same match", holder)
}

// merged is one more way out of a conflict, but between HTTP and what is none.
func (b *Builder) merged(byName bool) string {
	if byName {
		return ""
	}
	return ", or make both one service with the label " + b.label("service")
}

// claimed names the fields that most of a route's claims are made of.
func claimed(route *v1.Route) string {
	switch {
	case len(route.Listen) > 0:
		return "the port (listen)"
	case len(route.SNIs) > 0:
		return "the names (snis)"
	}
	return "hosts or paths"
}

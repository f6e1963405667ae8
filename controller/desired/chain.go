package desired

import (
	"fmt"
	"slices"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// Chain says how one gateway reaches the other; its zero value says that
// neither does.
type Chain struct {
	// Host is the name or address at which Kong dials HAProxy; "" when
	// kong>haproxy is not set up.
	Host string
	// First and Last bound the ports at which it does, one for each service.
	First, Last uint16
	// TLS says that it does so over TLS, where each proves to the other who it is.
	TLS bool
	// KongService is the service whose instances are the Kong nodes, for
	// haproxy>kong; "" when that is not set up.
	KongService string
}

// role is what one gateway does for a service. The zero value: nothing.
type role struct {
	routes    bool // it takes the service's requests
	instances bool // it sends requests to the service's instances
	port      bool // it takes what the other gateway sends on to the service
	// confined says that it may take no hosts that a Listener of HAProxy's has to itself:
	// Kong takes requests past HAProxy, or is what HAProxy hands them to and does so as well.
	confined bool
	behind   v1.Gateway // it sends what it takes to this gateway; "" when to the instances
	// handing says that it has the port, and for its sake the instances, only until the service is
	// handed over.
	handing bool
}

// takesPart reports whether the gateway has anything to do with the service.
func (r role) takesPart() bool { return r != role{} }

// role returns what a gateway does for a service whose settings are s.
func (b *Builder) role(s *v1.Service, gateway v1.Gateway) role {
	r := roleBy(b.ways(s), gateway)
	if gateway == v1.HAProxy && r.behind == "" && !r.port && !s.Protocol.Stream() && b.viaPort(s.Name) != 0 {
		r.instances, r.port, r.handing = true, true, true
	}
	return r
}

// roleBy returns what a gateway does for a service with these ways in.
func roleBy(ways []v1.Way, gateway v1.Gateway) role {
	var r role
	for _, way := range ways {
		switch {
		case way == v1.KongAlone && gateway == v1.Kong, way == v1.HAProxyAlone && gateway == v1.HAProxy,
			way == v1.HAProxyKong && gateway == v1.Kong:
			r.routes, r.instances = true, true
		case way == v1.KongHAProxy && gateway == v1.Kong:
			r.routes, r.behind = true, v1.HAProxy
		case way == v1.KongHAProxy && gateway == v1.HAProxy:
			r.instances, r.port = true, true
		case way == v1.HAProxyKong && gateway == v1.HAProxy:
			r.routes, r.behind = true, v1.Kong
		}
		open := way == v1.KongAlone || way == v1.KongHAProxy
		r.confined = r.confined || open && gateway == v1.Kong
	}
	if r.behind == v1.Kong && roleBy(ways, v1.Kong).confined {
		r.confined = true
	}
	return r
}

// Usable says why a way in can't be used with these gateways and this chain;
// "" when it can.
func (c Chain) Usable(way v1.Way, gateways []v1.Gateway) (why, fix string) {
	chained := way == v1.KongHAProxy || way == v1.HAProxyKong
	switch {
	case chained && !slices.Contains(gateways, v1.Kong):
		return "it needs Kong, which is not configured", "name Kong with --kong-admin-url"
	case chained && !slices.Contains(gateways, v1.HAProxy):
		return "it needs HAProxy, which is off", "leave --haproxy at managed or external"
	case way == v1.KongHAProxy && c.Host == "":
		return "nothing says where Kong reaches HAProxy", "start lockstep with --haproxy-via-address"
	case way == v1.HAProxyKong && c.KongService == "":
		return "nothing says which containers are the Kong nodes", "label them as a service, and name it with --kong-service"
	}
	return "", ""
}

// unusable is the verdict on all that a gateway would do for a service if the
// chain were set up; its Reason is "" when nothing stands in the way.
func (b *Builder) unusable(s *service, gateway v1.Gateway) Verdict {
	for _, way := range b.ways(&s.settings) {
		if why, fix := b.options.Chain.Usable(way, b.options.Gateways); why != "" && b.involves(way, gateway) {
			return Verdict{Gateway: gateway, Reason: v1.NotExpressible, Message: fmt.Sprintf("its way in is %s: %s", way, why), Fix: fix}
		}
	}
	if b.deniesTLS(s, gateway) {
		return Verdict{Gateway: gateway, Reason: v1.PolicyDenied,
			Message: deniedTLS, Fix: deniedTLSFix}
	}
	r := b.role(&s.settings, gateway)
	if s.settings.Protocol.Stream() && slices.ContainsFunc(b.ways(&s.settings), func(way v1.Way) bool {
		return (way == v1.KongHAProxy || way == v1.HAProxyKong) && b.involves(way, gateway)
	}) {
		return Verdict{Gateway: gateway, Reason: v1.NotExpressible,
			Message: fmt.Sprintf("a service of protocol %s can't stand behind another gateway", s.settings.Protocol), Fix: "write " + b.label("gateways") + "=haproxy"}
	}
	if s.settings.Protocol.RPC() && r.behind == v1.Kong {
		return Verdict{Gateway: gateway, Reason: v1.NotExpressible,
			Message: fmt.Sprintf("%s hands requests to %s over HTTP/1.1, with which there is no gRPC", gateway, v1.Kong), Fix: fmt.Sprintf("write %[1]s=kong or %[1]s=haproxy", b.label("gateways"))}
	}
	if (r.port || r.behind == v1.HAProxy) && b.viaPort(s.name) == 0 {
		return Verdict{Gateway: gateway, Reason: v1.Conflict,
			Message: b.exhausted(),
			Fix:     "give more of them with --haproxy-via-ports"}
	}
	if r.behind == v1.Kong && s.name == b.options.Chain.KongService {
		return Verdict{Gateway: gateway, Reason: v1.NotExpressible,
			Message: "it is the service of the Kong nodes itself, which can't stand behind them", Fix: "label them with " + b.label("gateways") + "=haproxy"}
	}
	return Verdict{}
}

// involves reports whether a gateway has a part in a way.
func (b *Builder) involves(way v1.Way, gateway v1.Gateway) bool {
	return way == v1.KongHAProxy || way == v1.HAProxyKong || string(way) == string(gateway)
}

// chained returns what a gateway gets of a service besides its routes, when the
// other gateway is in between.
func (b *Builder) chained(offered *v1.Service, r role) {
	if !r.instances { // how instances are asked is the business of the gateway that reaches them
		offered.Balancing = v1.Balancing{TunnelTimeout: offered.TunnelTimeout}
		offered.HealthCheck, offered.ProxyProtocol = v1.HealthCheck{}, ""
		offered.Protocol, offered.Securing = offered.Protocol.Plain(), v1.Securing{}
	}
	if r.port || r.behind == v1.HAProxy {
		offered.Via = v1.Via{Host: b.options.Chain.Host, Port: b.viaPort(offered.Name), TLS: b.options.Chain.TLS}
	}
	if r.behind == v1.Kong {
		if nodes := b.services[b.options.Chain.KongService]; nodes != nil && nodes.sets[v1.HAProxy] != nil {
			offered.Endpoints = nodes.sets[v1.HAProxy][nodes.name].Endpoints
		}
	}
}

// through turns what is said of an instance at one hop into what is said of it
// for the gateway in front, which gets offered.
func (b *Builder) through(verdict Verdict, front v1.Gateway, offered *v1.Service) Verdict {
	behind := verdict.Gateway
	verdict.Gateway, verdict.Through = front, behind
	if verdict.Address != "" {
		if verdict.How != "" { // an endpoint that is declared is where it is said to be
			verdict.How += ", "
		}
		verdict.How += fmt.Sprintf("through %s", behind)
		if via := offered.Via; via.Port != 0 {
			verdict.How += fmt.Sprintf(" at %s:%d", via.Host, via.Port)
			if via.TLS {
				verdict.How += " over TLS, proven to each other"
			}
		}
	}
	ready := func(e v1.Endpoint) bool { return !e.Draining }
	if verdict.Reason == v1.Serving && behind == v1.Kong && !slices.ContainsFunc(offered.Endpoints, ready) {
		verdict.Reason = v1.GatewayUnreachable
		verdict.Message = fmt.Sprintf("no container of %s, the Kong nodes, is ready", b.options.Chain.KongService)
		verdict.Fix = "start one, with the label " + b.label("service") + "=" + b.options.Chain.KongService
	}
	return verdict
}

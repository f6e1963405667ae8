package desired

import (
	"fmt"
	"slices"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/ledger"
)

// What a service that names no ways in gets: --gateways says it. Else each gateway serves it
// on its own, unless Kong has no database and the operator has said where it reaches HAProxy:
// then it comes through Kong to HAProxy (the chain by default), for a change of containers
// would cost Kong a push of everything. The chain by default never serves less than Kong alone
// would: what can't go through it goes to Kong directly.

// Both are each gateway on its own, as far as there are several; behind is the same with
// Kong before HAProxy.
var (
	both   = []v1.Way{v1.HAProxyAlone, v1.KongAlone}
	behind = []v1.Way{v1.HAProxyAlone, v1.KongHAProxy}
)

// chainsByDefault reports whether the chain is the way in of services that name none.
func (b *Builder) chainsByDefault() bool {
	why, _ := b.options.Chain.Usable(v1.KongHAProxy, b.options.Gateways)
	return len(b.options.Ways) == 0 && why == "" && b.memory.KongMode.Get() == ledger.KongDBLess
}

// byDefault reports whether the chain is the service's way in, or would be, because it
// names none.
func (b *Builder) byDefault(s *v1.Service) bool {
	return b.chains && len(s.Gateways) == 0 && !s.Protocol.Stream()
}

// wished returns the ways in of a service as its settings alone decide them. Policies
// judge these.
func (b *Builder) wished(s *v1.Service) []v1.Way {
	switch {
	case !b.byDefault(s):
		return s.Ways(b.options.Ways)
	case b.options.Chain.unfit(s) != "":
		return both
	}
	return behind
}

// ways returns the ways in that hold for a service.
func (b *Builder) ways(s *v1.Service) []v1.Way {
	if b.byDefault(s) && !b.dialed(s.Name) {
		return both
	}
	return b.wished(s)
}

// dialed reports whether Kong is to send what is for a service to its port at HAProxy.
func (b *Builder) dialed(name string) bool {
	port, has := b.memory.Ports.Lookup(name)
	return has && port.Freed.IsZero() && (port.Dialed || b.options.Settled)
}

// detour says why a service does not come through the chain though that is the default; ""
// when it does, or when it is not.
func (b *Builder) detour(s *service) string {
	switch {
	case !b.byDefault(&s.settings) || slices.Contains(b.ways(&s.settings), v1.KongHAProxy):
		return ""
	case b.options.Chain.unfit(&s.settings) != "":
		return b.options.Chain.unfit(&s.settings)
	case b.apart(s) != "":
		return b.apart(s)
	case b.portless[s.name]:
		return b.exhausted() + " (--haproxy-via-ports gives more)"
	}
	return fmt.Sprintf("%s is to listen at %s:%d first", v1.HAProxy, b.options.Chain.Host, b.viaPort(s.name))
}

// unfit says what of a service goes to its instances from Kong, and not through the
// chain; "" when all of it goes.
func (c Chain) unfit(s *v1.Service) string {
	switch {
	case s.Rollout.Picks():
		return "behind another gateway requests can't pick a version (rollout_header, rollout_cookie)"
	case s.Balance == v1.BalanceSource:
		return fmt.Sprintf("behind %s all requests come from its address, and none from a client's (balance=source)", v1.Kong)
	case s.Protocol.Secure() && !c.TLS:
		return fmt.Sprintf("between %s and %s there is no TLS (protocol=%s)", v1.Kong, v1.HAProxy, s.Protocol)
	case s.Protocol.Secure():
		return fmt.Sprintf("%s may trust other authorities than %s (protocol=%s)", v1.HAProxy, v1.Kong, s.Protocol)
	case c.TLS && s.Protocol.RPC():
		return fmt.Sprintf("%s can't prove to %s who it is where it speaks gRPC (protocol=%s)", v1.Kong, v1.HAProxy, s.Protocol)
	case c.TLS && slices.ContainsFunc(s.Routes, unprovable):
		return fmt.Sprintf("%s can't prove to %s that it is any host for which a client may ask (a route without hosts, or with an address, a name of more than 64 characters, or one with others than letters, digits, \"-\" and \".\")", v1.HAProxy, v1.Kong)
	}
	return ""
}

// unprovable reports whether requests may be sent on for whose Host HAProxy can't prove itself.
func unprovable(r v1.Route) bool {
	return r.PreserveHost && (len(r.Hosts) == 0 || slices.ContainsFunc(r.Hosts, func(host string) bool { return !v1.Provable(host) }))
}

// apart says which instance of a service only Kong reaches, the first by name; "" when
// there is none. What they ask for, HAProxy can do all of.
func (b *Builder) apart(s *service) string {
	first, why := "", ""
	look := func(m member) {
		name := m.container.instance.Name
		missed := locate(m, b.attachments[v1.HAProxy], b.options)
		if missed.reason == "" || first != "" && first <= name || locate(m, b.attachments[v1.Kong], b.options).reason != "" {
			return
		}
		first, why = name, fmt.Sprintf("%s reaches %s and %s does not: %s", v1.Kong, name, v1.HAProxy, missed.message)
	}
	for _, m := range s.members {
		look(m)
	}
	for _, m := range s.static {
		look(m)
	}
	return why
}

// exhausted says that no port is left.
func (b *Builder) exhausted() string {
	return fmt.Sprintf("no port from %d to %d, at which Kong reaches HAProxy, is free: each belongs to another service, or Kong may still send there what is meant for one", b.options.Chain.First, b.options.Chain.Last)
}

// Hints say what each change of containers costs Kong for want of a flag, one sentence for
// each; nil when there is nothing to say.
func (b *Builder) Hints() []string {
	var hints []string
	o := b.options
	if b.memory.KongMode.Get() != ledger.KongDBLess || len(o.Ways) > 0 || !slices.Contains(o.Gateways, v1.HAProxy) || !slices.Contains(o.Gateways, v1.Kong) {
		return nil
	}
	if !b.chains {
		hints = append(hints, "it has no database, so each change of a container is a push of all that it holds; "+
			"with --haproxy-via-address (and --haproxy-via-allow) it sends requests on to HAProxy, which follows the containers alone; "+
			"with --gateways kong,haproxy it stays as it is, and this is not said")
	}
	for name := range b.portless {
		if b.byDefault(&b.services[name].settings) {
			return append(hints, "no port is left for some of the services that would come through HAProxy, so each change of their containers is a push of all that it holds; "+
				"give more of them with --haproxy-via-ports")
		}
	}
	return hints
}

package haproxy

import (
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/haproxy/charset"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
)

// Streams are connections that are passed on as they are: those to a port, and those
// to a name by TLS (passthrough.go). Which service a port or name leads to stands in
// routes.map beside the hosts, so that it comes and goes at runtime by the same way. A
// stream whose route nobody serves is closed: there is no answer that every protocol
// understands.

// streams reports whether there may be services that are no HTTP.
func (o *Options) streams() bool { return len(o.ports) > 0 || o.TLSPassthrough }

// streamRoute translates a route of a service that is no HTTP, or says why it
// is not served.
func (r *Reconciler) streamRoute(d *v1.Route, protocol v1.Protocol, balance string) (*routemap.Route, v1.Problem) {
	made := &routemap.Route{
		Name: d.Name, Listen: slices.Compact(slices.Sorted(slices.Values(d.Listen))), SNIs: slices.Compact(slices.Sorted(slices.Values(d.SNIs))),
		Preserve: true, Priority: d.Priority, ID: routemap.ID(r.o.Owner, d.Name),
	}
	refused := v1.Problem{Gateway: v1.HAProxy, Object: v1.Key{Kind: v1.KindRoute, Name: d.Name}, Origin: d.Origin}
	if err := charset.Service.Check(d.Name); err != nil {
		refused.Reason, refused.Message, refused.Fix = v1.NotExpressible, err.Error(), "rename the route"
		return nil, refused
	}
	if by := requestBalance(balance); by != "" {
		refused.Reason, refused.Message = v1.NotExpressible, "HAProxy can't balance connections by "+by
		refused.Fix = "use roundrobin, leastconn, first, random or source"
		return nil, refused
	}
	if !d.Fits(protocol) { // what takes no connections must not come to take requests
		refused.Reason, refused.Message = v1.NotExpressible, "a route of protocol tcp needs ports, one of tls_passthrough names"
		refused.Fix = "give the route a port (listen), or names (snis)"
		return nil, refused
	}
	if refused.Reason, refused.Message, refused.Fix = r.o.nameTrouble(made.SNIs); refused.Reason != "" {
		return nil, refused
	}
	for _, port := range made.Listen {
		why, fix, denied := r.portTrouble(port)
		if why == "" {
			continue
		}
		refused.Reason, refused.Message, refused.Fix = v1.Conflict, why, fix
		if denied {
			refused.Reason = v1.PolicyDenied
		}
		return nil, refused
	}
	return made, v1.Problem{}
}

// requestBalance returns what a way of balancing needs to know of requests; "" when
// it is nothing.
func requestBalance(balance string) string {
	word, _, _ := strings.Cut(balance, ":")
	if slices.Contains([]string{"uri", "header", "cookie"}, word) {
		return balance
	}
	return ""
}

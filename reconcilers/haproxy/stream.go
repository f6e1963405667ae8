package haproxy

import (
	"fmt"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/haproxy/bind"
	"github.com/lockstep/lockstep/reconcilers/haproxy/charset"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
	"github.com/lockstep/lockstep/reconcilers/haproxy/setting"
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

func streamsName(owner string) string { return owner + "::streams" }

// renderStreams writes what streams need: their defaults, and a frontend for the
// ports. Each port is a bind of its own with its number as name, because that is
// what a rule can ask for: a PROXY header may say another port.
func renderStreams(b *strings.Builder, o Options, taken map[bind.Address]string) {
	fmt.Fprintf(b, "defaults %s\n", streamsName(o.Owner))
	b.WriteString("  mode tcp\n")
	for _, line := range setting.DefaultStream.Lines() { // a backend that is added at runtime gets its settings from here
		b.WriteString("  " + line + "\n")
	}
	b.WriteString(`  timeout client 1h
  timeout server 1h
  timeout tunnel 1h
  timeout client-fin 5m
  timeout server-fin 5m
  retries 5
  option redispatch 1
  option allbackups
  option clitcpka
  option srvtcpka
`)
	if len(o.ports) == 0 {
		return
	}
	line := func(format string, args ...any) { fmt.Fprintf(b, "  "+format+"\n", args...) }
	fmt.Fprintf(b, "frontend %s from %s\n", o.Owner+"::tcp", streamsName(o.Owner))
	for _, port := range o.ports {
		if _, not := taken[port]; !not {
			line("bind %s name %d", port, port.Port)
		}
	}
	renderAccept(line, o, "")
	routemap.Rules{Line: line, Owner: o.Owner, Dir: o.Dir}.MatchPort()
	line("tcp-request connection reject if !{ var(sess.m) -m found }")
	renderStreamLog(line, o, `"port":%[so_name]`, "var(sess.m)", "")
	line("use_backend %%[var(sess.m),field(1,|)]")
}

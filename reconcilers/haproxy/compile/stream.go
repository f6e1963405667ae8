package compile

import (
	"fmt"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/haproxy/charset"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
)

// Streams are connections that are passed on as they are: those to a port, and those
// to a name by TLS. Which service a port or name leads to stands in
// routes.map beside the hosts, so that it comes and goes at runtime by the same way. A
// stream whose route nobody serves is closed: there is no answer that every protocol
// understands.

// streamRoute translates a route of a service that is no HTTP, or says why it
// is not served.
func (in *Input) streamRoute(d *v1.Route, protocol v1.Protocol, balance string) (*routemap.Route, v1.Problem) {
	made := &routemap.Route{
		Name: d.Name, Listen: slices.Compact(slices.Sorted(slices.Values(d.Listen))), SNIs: slices.Compact(slices.Sorted(slices.Values(d.SNIs))),
		Preserve: true, Priority: d.Priority, ID: routemap.ID(in.Owner, d.Name),
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
	if refused.Reason, refused.Message, refused.Fix = in.nameTrouble(made.SNIs); refused.Reason != "" {
		return nil, refused
	}
	for _, port := range made.Listen {
		why, fix, denied := in.portTrouble(port)
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

// nameTrouble says why names can't be passed on; its reason is "" when they can.
func (in *Input) nameTrouble(names []string) (reason v1.Reason, why, fix string) {
	if len(names) > 0 && !in.TLSPassthrough {
		return v1.PolicyDenied, "the operator has not allowed TLS to be passed on by name",
			"start Lockstep with --haproxy-tls-passthrough and --haproxy-bind-tls"
	}
	for _, name := range names {
		if err := charset.SNI.Check(name); err != nil {
			return v1.NotExpressible, err.Error(), "change the name"
		}
		suffix, wild := strings.CutPrefix(name, "*.")
		switch {
		case suffix == "" || strings.Contains(suffix, "*"):
			return v1.NotExpressible, fmt.Sprintf("name %q has a star where HAProxy knows none", name), "let one * stand for the leftmost part: *.example.com"
		case wild && strings.Count(suffix, ".") >= routemap.MaxSuffixLabels:
			return v1.NotExpressible, fmt.Sprintf("%q has more than %d parts after the star", name, routemap.MaxSuffixLabels), "name the hosts one by one"
		}
	}
	return "", "", ""
}

// portTrouble says why a port can't be a service's, and what to do; "" when it can.
func (in *Input) portTrouble(port int) (why, fix string, denied bool) {
	allowed := false
	for _, b := range in.Ports {
		if b.Port != port {
			continue
		}
		allowed = true
		taken, is := in.Taken[b]
		if !is {
			return "", "", false
		}
		why, fix = taken, "free the port, or let the service listen on another one"
	}
	if name, is := in.Listeners[port]; is && !allowed {
		return fmt.Sprintf("port %d is that of the Listener %s", port, name), "let the service listen on another one", false
	}
	if !allowed {
		return fmt.Sprintf("labels may not ask for port %d", port),
			fmt.Sprintf("allow it by starting Lockstep with --haproxy-tcp-ports %d, or choose a port that is allowed", port), true
	}
	return why, fix, false
}

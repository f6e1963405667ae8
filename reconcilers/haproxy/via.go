package haproxy

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/haproxy/bind"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
	"github.com/lockstep/lockstep/reconcilers/hop"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// Kong reaches the services that stand behind it (kong>haproxy) over ports of
// their own, all of which are bound from the start: which of them leads to which
// backend stands in routes.map, so that services come and go without a reload,
// and Kong's own configuration stays as it is while instances come and go. None
// of these services is in the public part of the map for that, so that nobody
// gets past what Kong asks for.

// Via is where HAProxy listens for what Kong sends on.
type Via struct {
	// Host is the address to listen on; "" for every one.
	Host string
	// First and Last bound the ports, one for each service; 0: no listener.
	First, Last uint16
	// Allow are the networks that may connect: those of the Kong nodes. None
	// lets everybody in who reaches the address.
	Allow []netip.Prefix
	// TLS are the keys by which Kong and HAProxy know each other: whoever has not Kong's is
	// not let in. nil: requests come as they are.
	TLS *hop.Holder
}

// check refuses what can't be written down.
func (v Via) check() error {
	if v.First == 0 {
		return nil
	}
	if v.First > v.Last || v.Last-v.First >= maxVia {
		return fmt.Errorf("%d to %d are no range of at most %d ports for Kong", v.First, v.Last, maxVia)
	}
	_, err := bind.Parse(net.JoinHostPort(v.Host, strconv.Itoa(int(v.First))))
	return err
}

// maxVia bounds how many ports are bound: each costs HAProxy a socket for each
// process that is at work.
const maxVia = 4096

// viaName is the name of a service's route from Kong. Routes of users have no colon.
func viaName(service string) string { return service + viaSuffix }

const viaSuffix = ":via"

// viaRoute is what leads from a service's port to its backend.
func viaRoute(s *v1.Service) *routemap.Route {
	return &routemap.Route{Name: viaName(s.Name), Service: s.Name, Backend: s.Name, Preserve: true, Port: int(s.Via.Port)}
}

// viaObject belongs to the service: it is there for as long as the service is.
func viaObject(r *routemap.Route) *plan.Object {
	backend := r.Backend
	if backend == "" {
		backend = "none (503)"
	}
	return &plan.Object{
		Key:     v1.Key{Kind: kindRoute, Name: r.Name},
		Service: r.Service,
		Owner:   v1.Key{Kind: v1.KindService, Name: r.Service},
		Level:   levelRoute,
		Noun:    fmt.Sprintf("way from Kong to %s (port %d)", r.Service, r.Port),
		Match:   "port=" + strconv.Itoa(r.Port),
		Fields:  map[string]string{"port": strconv.Itoa(r.Port), "backend": backend},
		Native:  r,
	}
}

// bindHost is what stands before the ports in the line that binds them.
func (v Via) bindHost() string { return net.JoinHostPort(v.Host, "") }

// covers reports whether a port is one of those at which HAProxy is to listen.
func (v Via) covers(port int) bool { return v.First > 0 && int(v.First) <= port && port <= int(v.Last) }

// takesFromKong reports whether the sections that a model holds listen for what Kong sends to
// a port.
func (m *model) takesFromKong(o Options, port int) bool {
	_, rest, _ := strings.Cut(m.base, "frontend "+viaFrontend(o.Owner)+" from ")
	_, binds, _ := strings.Cut(rest, "\n") // the first line is the bind for Kong
	ports, there := strings.CutPrefix(binds, "  bind "+o.Via.bindHost())
	var first, last int
	if _, err := fmt.Sscanf(ports, "%d-%d", &first, &last); !there || err != nil {
		return false
	}
	return first <= port && port <= last
}

// awaitPorts fails the steps that would lead from Kong to a service at a port where HAProxy would not
// listen: Kong would be let send there, to nobody or to whose process has the port. They come
// with the sections that bind it, which fail apart. It reports whether there were any.
func (r *Reconciler) awaitPorts(steps []*step, want *model) bool {
	found := false
	trouble := sync.OnceValue(func() error {
		next := want.clone()
		next.rebase(r.base)
		return r.conflicts(next)
	})
	for _, s := range steps {
		after := nativeRoute(s.change.After)
		if s.failed() || after == nil || !r.o.Via.covers(after.Port) || want.takesFromKong(r.o, after.Port) {
			continue
		}
		// No Conflict: that would be final for the service, though it is not at fault.
		message, fix := "waits until HAProxy listens for Kong at port "+strconv.Itoa(after.Port), ""
		if problem, is := errors.AsType[v1.Problem](trouble()); is {
			message, fix = message+": "+problem.Message, problem.Fix
		}
		s.fail(v1.Starting, message, fix)
		found = true
	}
	return found
}

func viaFrontend(owner string) string { return owner + "::via" }

// renderVia writes the frontend for Kong, and the backend over which a worker
// that was replaced hands on what still comes over kept connections. The headers
// that say who asked are Kong's business and stay as Kong set them.
func renderVia(b *strings.Builder, o Options) {
	if o.Via.First == 0 {
		return
	}
	line := func(format string, args ...any) { fmt.Fprintf(b, "  "+format+"\n", args...) }
	routes, gate := routemap.Rules{Line: line, Owner: o.Owner, Dir: o.Dir}, gateAddress(o)+"-via"
	fmt.Fprintf(b, "frontend %s from %s\n", viaFrontend(o.Owner), defaultsName(o.Owner))
	line("bind %s%d-%d%s", o.Via.bindHost(), o.Via.First, o.Via.Last, o.hop.bindWords())
	line("bind %s accept-proxy%s", gate, o.hop.gateWords())
	if len(o.Via.Allow) > 0 {
		var networks []string
		for _, prefix := range o.Via.Allow {
			networks = append(networks, prefix.Masked().String())
		}
		line("tcp-request session reject if !{ src %s }", strings.Join(networks, " "))
	}
	o.hop.renderProved(line)
	routes.Replaced()
	line(noReplay)
	line("http-request set-var(txn.n) dst_port")
	routes.MatchVia()
	line(`http-request return status 503 content-type text/plain string "service unavailable\n" if !{ var(txn.m) -m found }`)
	line("use_backend %%[var(txn.m),field(1,|)]")
	fmt.Fprintf(b, "backend %s from %s\n", routemap.ViaGate(o.Owner), defaultsName(o.Owner))
	line("timeout server 24d")
	line(noReplay)
	line("server gate %s send-proxy-v2%s", gate, o.hop.serverWords())
}

package haproxy

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/haproxy/bind"
	"github.com/lockstep/lockstep/reconcilers/haproxy/config"
	"github.com/lockstep/lockstep/reconcilers/haproxy/frontend"
	"github.com/lockstep/lockstep/reconcilers/hop"
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

// covers reports whether a port is one of those at which HAProxy is to listen.
func (v Via) covers(port int) bool { return v.First > 0 && int(v.First) <= port && port <= int(v.Last) }

// awaitPorts fails the steps that would lead from Kong to a service at a port where HAProxy would not
// listen: Kong would be let send there, to nobody or to whose process has the port. They come
// with the sections that bind it, which fail apart. It reports whether there were any.
func (r *Reconciler) awaitPorts(steps []*step, want *config.Model) bool {
	found := false
	trouble := sync.OnceValue(func() error {
		next := want.Clone()
		next.Rebase(r.base)
		return r.conflicts(next)
	})
	for _, s := range steps {
		after := nativeRoute(s.change.After)
		if s.failed() || after == nil || !r.o.Via.covers(after.Port) || frontend.ListensForKong(want.Base(), r.o.Owner, r.o.Via.Host, after.Port) {
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

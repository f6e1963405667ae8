package haproxy

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"syscall"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/haproxy/bind"
	"github.com/lockstep/lockstep/reconcilers/haproxy/config"
	"github.com/lockstep/lockstep/reconcilers/haproxy/frontend"
	"github.com/lockstep/lockstep/reconcilers/haproxy/object"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
	"github.com/lockstep/lockstep/reconcilers/haproxy/userfile"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// A Listener of a manifest is two things. Its opening (frontend) is the addresses, more
// binds of the one HTTP frontend: they take a reload, and somebody else may have them. Its
// restriction (routemap) says which hosts are answered there, or there alone: it stands
// in routes.map, and holds whether the addresses can be had or not.

// asked is what was last asked for of Listeners.
type asked struct {
	of           []v1.Listener
	restrictions map[string]*routemap.Restriction
	ports        map[int]string // names by the ports that they are to listen on
	tls          bool           // some are to end TLS
}

// listeners translates Listeners. One whose addresses are wrong keeps those that it had
// last, which the model knows, and is named.
func (r *Reconciler) listeners(state plan.State, shared []v1.Listener) []v1.Problem {
	var problems []v1.Problem
	var accepted []*frontend.Opening
	for i := range shared {
		l := &shared[i]
		item := object.Restriction(r.asked.restrictions[l.Name])
		state[item.Key] = item
		o := frontend.OpeningOf(r.frontend(), l)
		if problem := r.clashes(l, accepted); problem != nil {
			if o = nil; r.model != nil && r.model.Openings()[l.Name] != nil {
				last := *r.model.Openings()[l.Name]
				last.Origin, o = l.Origin, &last
				problem.Message += "; the addresses that it had last stay"
			}
			problems = append(problems, *problem)
		}
		if o != nil {
			accepted = append(accepted, o)
			item := object.Opening(o)
			state[item.Key] = item
		}
	}
	return problems
}

// note remembers what is asked for, and what our own sections need for it. What services
// may ask for depends on it, whichever of them are looked at.
func (r *Reconciler) note(shared []v1.Listener) {
	if reflect.DeepEqual(r.asked.of, shared) {
		return
	}
	r.asked = asked{of: shared, restrictions: map[string]*routemap.Restriction{}, ports: map[int]string{}}
	for i := range shared {
		l := &shared[i]
		r.asked.restrictions[l.Name] = &routemap.Restriction{Name: l.Name, Hosts: l.Hosts, Exclusive: l.Exclusive, Origin: l.Origin}
		for _, b := range l.Binds {
			r.asked.tls = r.asked.tls || b.TLS
			if parsed, err := bind.Parse(b.Address); err == nil {
				r.asked.ports[parsed.Port] = l.Name
			}
		}
	}
	r.rebase()
}

// rebase makes our own sections anew.
func (r *Reconciler) rebase() {
	r.base = frontend.Render(r.frontend())
}

// frontend says what our own sections are to be.
func (r *Reconciler) frontend() frontend.Options {
	o := &r.o
	return frontend.Options{
		Owner: o.Owner, Dir: o.Dir, Managed: o.Mode == Managed, StatsSocket: o.StatsSocket, HardStopAfter: o.HardStopAfter,
		Binds: o.Binds, TLSBinds: o.TLSBinds, TLSPassthrough: o.TLSPassthrough, Ports: o.ports, Taken: r.taken,
		Via:            frontend.Via{Host: o.Via.Host, First: o.Via.First, Last: o.Via.Last, Allow: o.Via.Allow, Keys: o.hop.keys()},
		TrustedProxies: o.TrustedProxies, AcceptProxy: o.AcceptProxy,
		AccessLog: o.AccessLog, AccessLogQuery: o.AccessLogQuery,
		ClientCA: o.copies[o.ClientCA], ClientCRL: o.copies[o.ClientCRL],
		Restrains: len(r.asked.restrictions) > 0, Pages: r.pages, User: r.user,
	}
}

// endsTLS reports whether there is to be a listener for TLS.
func (r *Reconciler) endsTLS() bool { return len(r.o.TLSBinds) > 0 || r.asked.tls }

// clashes says which of a Listener's addresses belongs to something that is known without
// asking HAProxy or the system; nil: none.
func (r *Reconciler) clashes(l *v1.Listener, accepted []*frontend.Opening) *v1.Problem {
	for _, declared := range l.Binds {
		b, err := bind.Parse(declared.Address)
		if err != nil {
			return listenerProblem(l.Name, declared.Origin, v1.InvalidManifest, err.Error(), "correct the address")
		}
		if holder, fix := r.holds(b, accepted); holder != "" {
			return listenerProblem(l.Name, declared.Origin, v1.Conflict, fmt.Sprintf("%s is also that of %s", declared.Address, holder), fix)
		}
	}
	return nil
}

// holds returns who is to have an address otherwise, and the remedy; "" when nobody.
func (r *Reconciler) holds(b bind.Address, accepted []*frontend.Opening) (holder, fix string) {
	for _, own := range []struct {
		flag  string
		binds []string
	}{{"--haproxy-bind", r.o.Binds}, {"--haproxy-bind-tls", r.o.TLSBinds}} {
		for _, text := range own.binds {
			if had, err := bind.Parse(text); err == nil && had.Overlaps(b) {
				return fmt.Sprintf("HAProxy's own listener (%s %s)", own.flag, text), "give the Listener another address, or leave that one out of " + own.flag
			}
		}
	}
	if slices.ContainsFunc(r.o.ports, b.Overlaps) {
		return "the ports for labels (--haproxy-tcp-ports)", "give the Listener another port, or leave that one out of --haproxy-tcp-ports"
	}
	via := bind.Address{Host: r.o.Via.Host, Port: b.Port}
	if int(r.o.Via.First) <= b.Port && b.Port <= int(r.o.Via.Last) && via.Overlaps(b) {
		return "the ports at which Kong reaches HAProxy (--haproxy-via-ports)", "give the Listener another port, or change --haproxy-via-ports"
	}
	if i := slices.IndexFunc(r.user.Binds, func(u userfile.Bind) bool { return u.Overlaps(b) }); i >= 0 {
		return r.user.Binds[i].Place, "give one of them another address"
	}
	for _, o := range accepted {
		if slices.ContainsFunc(readBinds(o.Front), b.Overlaps) {
			return "the Listener " + o.Name, "give one of them another address"
		}
	}
	return "", ""
}

func listenerProblem(name string, origin v1.Origin, reason v1.Reason, message, fix string) *v1.Problem {
	return &v1.Problem{
		Reason: reason, Gateway: v1.HAProxy, Object: v1.Key{Kind: v1.KindListener, Name: name}, Origin: origin, Message: message, Fix: fix,
	}
}

// unrestrained reports whether Listeners are asked for and the process can't keep hosts
// to them yet.
func (r *Reconciler) unrestrained() bool {
	return len(r.asked.restrictions) > 0 && (r.condition.loaded != "yes" || !routemap.Restrained(r.model.Base()))
}

// restrain fails the steps that would open more than is asked for if HAProxy loaded what
// the files are to say: routes without the rules that keep hosts to Listeners, and addresses
// whose hosts are not known. It reports whether there were any.
func (r *Reconciler) restrain(steps []*step, want *config.Model) bool {
	found := false
	fail := func(s *step) {
		s.fail(v1.Starting, "waits until HAProxy can keep hosts to their Listeners", "")
		found = true
	}
	for _, s := range steps {
		if s.failed() || s.change.After == nil {
			continue
		}
		switch n := s.change.After.Native.(type) {
		case *routemap.Route:
			if len(r.asked.restrictions) > 0 && !routemap.Restrained(want.Base()) && !n.Stream() {
				fail(s)
			}
		case *frontend.Opening:
			if has := want.Restrictions()[n.Name]; !routemap.Restrained(want.Base()) || has == nil || !has.Same(r.asked.restrictions[n.Name]) {
				fail(s)
			}
		}
	}
	return found
}

// blameOpening fails the step of a Listener that listens where somebody else does, at the
// place of the address.
func (s *step) blameOpening(o *frontend.Opening, b bind.Address, err error) {
	fix := "free the port, or give the Listener another address"
	switch {
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		fix = "give the Listener an address that `ip addr` lists, or the port alone for all of them"
	case errors.Is(err, os.ErrPermission):
		fix = "run Lockstep with that capability, or give the Listener a port above 1023"
	}
	s.fail(v1.Conflict, err.Error(), fix)
	if origin, known := o.Places[b]; known {
		s.problem.Origin = origin
	}
}

// shed leaves out of a model what HAProxy could not be started with: Listeners, among
// those that nothing is to be done about, whose addresses somebody took meanwhile. The next
// round finds them missing, and says so.
func (r *Reconciler) shed(steps []*step, want *config.Model) {
	if r.condition.process == processRuns {
		return
	}
	own := r.ownPorts()
	touched := map[string]bool{}
	for _, s := range steps {
		if o, ok := s.change.Object().Native.(*frontend.Opening); ok {
			touched[o.Name] = true
		}
	}
	kept := maps.Clone(want.Openings())
	for _, name := range sortedKeys(want.Openings()) {
		for _, b := range readBinds(want.Openings()[name].Front) {
			if err := b.Probe(); err != nil && !own[b.Port] && !touched[name] {
				r.o.Log.Warn("a Listener can't be bound", "listener", name, "address", b.String(), "why", err)
				delete(kept, name)
			}
		}
	}
	if len(kept) != len(want.Openings()) {
		want.SetOpenings(kept)
		want.Renew(r.spares(), true)
	}
}

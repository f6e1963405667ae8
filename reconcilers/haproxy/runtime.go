package haproxy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/haproxy/crt"
	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/haproxy/socket"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// soften makes the changes that need no reload: servers that come or change,
// then the map, then servers that go. What succeeded is in the model afterwards.
func (r *Reconciler) soften(rt *runtime, steps []*step) {
	if len(steps) == 0 {
		return
	}
	coming, going, routes := sortSteps(steps)
	rt.softenCertificates(steps, false)
	rt.give(coming, rt.server)
	if !r.softenRestrictions(rt, steps) {
		failAll(routes, errors.New("waits until hosts are kept to their Listeners"))
		routes = nil
	}
	r.softenRoutes(rt, routes)
	rt.give(going, rt.removeServer)
	rt.softenCertificates(steps, true)
	generation := r.model.generation()
	r.model.certs = nextCertificates(r.model.certs, steps)
	r.model.put(r.draftOf(r.model, steps))
	rt.bury(steps)
	r.fallBehind(pending(steps), r.model.generation() != generation)
}

// fallBehind notes which files do not say yet what was done.
func (r *Reconciler) fallBehind(steps []*step, base bool) {
	if r.behind.configs == nil {
		r.behind.configs = map[string]bool{}
	}
	if base {
		r.behind.configs[disk.Config] = true
	}
	for _, s := range steps {
		switch native := s.change.Object().Native.(type) {
		case condition:
			r.behind.all = true
		case *route, *restriction:
			r.behind.maps = true
		case *crt.Certificate:
			r.behind.certs = true
		case *backend:
			r.behind.configs[r.model.fileOf(native.name())] = true
		case place:
			r.behind.configs[r.model.fileOf(native.backend)] = true
		}
	}
}

// sortSteps returns the steps about servers that stay, servers that go, and routes.
func sortSteps(steps []*step) (coming, going, routes []*step) {
	for _, s := range steps {
		switch s.change.Object().Native.(type) {
		case place:
			if s.change.Op == plan.Delete {
				going = append(going, s)
			} else {
				coming = append(coming, s)
			}
		case *route, condition:
			routes = append(routes, s)
		}
	}
	return coming, going, routes
}

// softenRoutes brings the map up to the routes of the steps. A condition among
// the steps says that the map in the process was edited: then all of it is compared.
func (r *Reconciler) softenRoutes(rt *runtime, steps []*step) {
	touched, all := map[string]bool{}, false
	for _, s := range steps {
		before, after := nativeRoute(s.change.Before), nativeRoute(s.change.After)
		if before == nil && after == nil {
			all = true
			for key := range r.running {
				touched[key] = true
			}
			for key := range r.table.all() {
				touched[key] = true
			}
			continue
		}
		if have := r.model.route(s.change.Object().Service, s.change.Key.Name); have != nil {
			note(touched, r.table.remove(have))
		}
		if after != nil {
			note(touched, r.table.add(after))
		}
	}
	if len(touched) == 0 && !all || r.condition.process != processRuns {
		return
	}
	err := rt.routes(slices.Sorted(maps.Keys(touched)))
	if err == nil {
		err = rt.hostEntries(steps)
	}
	if err != nil {
		failAll(steps, err)
		r.table = newTable(r.o.Owner, r.model) // it was ahead of what was done
		return
	}
	r.condition.routes = "current"
}

func note(set map[string]bool, keys []string) {
	for _, key := range keys {
		set[key] = true
	}
}

// nativeRoute returns the route that an object is, or nil.
func nativeRoute(o *plan.Object) *route {
	if o == nil {
		return nil
	}
	native, _ := o.Native.(*route)
	return native
}

// route returns a route of the model, or nil.
func (m *model) route(service, name string) *route {
	if s := m.sections[service]; s != nil {
		for _, have := range s.routes {
			if have.name == name {
				return have
			}
		}
	}
	return nil
}

// runtime is one conversation with the worker that we know. It begins when there
// is something to say.
type runtime struct {
	r       *Reconciler
	ctx     context.Context
	session *socket.Session
	broken  bool  // the process may be in another state than we think
	err     error // why no conversation is possible
}

// open starts the conversation when there is something to say, and makes sure
// that the worker is the one whose state we know.
func (rt *runtime) open() error {
	if rt.session != nil || rt.err != nil {
		return rt.err
	}
	rt.session, rt.err = socket.Dial(rt.ctx, rt.r.o.StatsSocket, rt.r.o.Timeout)
	if rt.err == nil {
		var id identity
		id, rt.err = rt.r.identify(rt.session)
		if rt.err == nil && id != rt.r.live {
			rt.err = fmt.Errorf("HAProxy was reloaded or restarted by somebody else (pid %d, was %d); looking at it afresh", id.pid, rt.r.live.pid)
		}
	}
	if rt.err != nil {
		rt.broken = true
	}
	return rt.err
}

func (rt *runtime) close() {
	if rt.session != nil {
		rt.session.Close()
	}
}

// command sends commands that change something, and counts them.
func (rt *runtime) command(commands ...string) ([]string, error) {
	if err := rt.allowed(commands[0]); err != nil {
		return nil, err
	}
	return rt.say(commands)
}

// allowed opens the conversation, and asks the tests whether something may be said.
func (rt *runtime) allowed(first string) error {
	err := rt.ctx.Err()
	if err == nil {
		err = rt.open()
	}
	if err == nil {
		err = rt.r.before(socket.FirstLine(first))
	}
	if err != nil {
		rt.broken = true
	}
	return err
}

func (rt *runtime) say(commands []string) ([]string, error) {
	for _, command := range commands {
		words := strings.Fields(command)
		rt.r.metrics.commands.WithLabelValues(words[0] + " " + words[1]).Inc()
	}
	answers, err := rt.session.Send(commands)
	if err != nil {
		rt.broken = true
	}
	return answers, err
}

// order is what HAProxy is to be told for one step, without waiting in between,
// and how to read its answers.
type order struct {
	step     *step
	commands []string
	read     func(answers []string) error
}

// give makes the orders of many steps out and gives all of them in one go, so that
// a thousand cost little more than HAProxy's own time. Each stands for itself: one
// that is refused fails its step alone; where the conversation breaks off, those
// fail whose answers have not all arrived.
func (rt *runtime) give(steps []*step, make func(*step) (order, bool)) {
	var orders []order
	var commands []string
	var broken error
	for _, s := range steps {
		o, ok := make(s)
		if !ok {
			continue
		}
		if broken == nil {
			broken = rt.allowed(o.commands[0])
		}
		if orders = append(orders, o); broken == nil {
			commands = append(commands, o.commands...)
		}
	}
	var answers []string
	if len(commands) > 0 {
		var err error
		if answers, err = rt.say(commands); err != nil {
			broken = err
		}
	}
	for _, o := range orders {
		n := len(o.commands)
		err := broken
		if n <= len(answers) {
			err = o.read(answers[:n])
		}
		answers = answers[min(n, len(answers)):]
		if err != nil {
			o.step.fail(v1.GatewayUnreachable, err.Error(), "")
		}
	}
}

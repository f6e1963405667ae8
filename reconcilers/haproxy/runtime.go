package haproxy

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// soften makes the changes that need no reload: servers that come or change,
// then the map, then servers that go. What succeeded is in the model afterwards.
func (r *Reconciler) soften(ctx context.Context, steps []*step) {
	if len(steps) == 0 {
		return
	}
	coming, going, routes := sortSteps(steps)
	// Only what the running process must be told needs the socket.
	rt := &runtime{r: r, ctx: ctx}
	defer rt.close()
	for _, s := range coming {
		rt.server(s)
	}
	r.softenRoutes(rt, routes)
	for _, s := range going {
		rt.removeServer(s)
	}
	r.model.put(r.draftOf(r.model, steps))
	if rt.broken {
		r.known = false // the next look sorts it out
	}
	if slices.ContainsFunc(steps, func(s *step) bool { return !s.failed() }) {
		r.unwritten = true
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
	touched := map[string]bool{}
	for _, s := range steps {
		before, after := nativeRoute(s.change.Before), nativeRoute(s.change.After)
		if before == nil && after == nil {
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
	if len(touched) == 0 || r.condition.process != "running" {
		return
	}
	err := rt.entries(slices.Sorted(maps.Keys(touched)))
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

// runtime is one conversation with the worker that we know.
type runtime struct {
	r       *Reconciler
	ctx     context.Context
	session *session
	broken  bool  // the process may be in another state than we think
	err     error // why no conversation is possible
}

// open starts the conversation when there is something to say, and makes sure
// that the worker is the one whose state we know.
func (rt *runtime) open() error {
	if rt.session != nil || rt.err != nil {
		return rt.err
	}
	rt.session, rt.err = dial(rt.ctx, rt.r.o.StatsSocket, rt.r.o.Timeout)
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
		rt.session.close()
	}
}

// command sends commands that change something, and counts them.
func (rt *runtime) command(commands ...string) ([]string, error) {
	if err := rt.ctx.Err(); err != nil {
		rt.broken = true
		return nil, err
	}
	if err := rt.open(); err != nil {
		return nil, err
	}
	if err := rt.r.before(commands[0]); err != nil {
		rt.broken = true
		return nil, err
	}
	for _, command := range commands {
		words := strings.Fields(command)
		rt.r.metrics.commands.WithLabelValues(words[0] + " " + words[1]).Inc()
	}
	answers, err := rt.session.send(commands)
	if err != nil {
		rt.broken = true
	}
	return answers, err
}

// server adds a server, or changes one.
func (rt *runtime) server(s *step) {
	after, ok := s.change.After.Native.(place)
	if !ok {
		return
	}
	if err := checkPlace(after); err != nil {
		s.fail(v1.GatewayRejected, err.Error(), "")
		return
	}
	name := backendName(rt.r.o.Owner, after.backend) + "/" + after.server.name
	have, there := rt.have(after)
	var err error
	switch {
	case !there:
		err = rt.add(name, after.server)
	case have.address != after.server.address:
		if err = rt.remove(name); err == nil {
			err = rt.add(name, after.server)
		}
	default:
		err = rt.set(name, after.server)
	}
	if err != nil {
		s.fail(v1.GatewayUnreachable, err.Error(), "")
	}
}

// have returns the server as the model knows it to run.
func (rt *runtime) have(p place) (server, bool) {
	b := rt.r.model.sections[serviceOf(p.backend)].backend(p.backend)
	if b == nil {
		return server{}, false
	}
	i, there := b.find(p.server.name)
	if !there {
		return server{}, false
	}
	return b.servers[i], true
}

func checkPlace(p place) error {
	if err := wordServer.check(p.backend); err != nil {
		if err := (word{"backend", "-_.:", 230}).check(p.backend); err != nil {
			return err
		}
	}
	if err := wordServer.check(p.server.name); err != nil {
		return err
	}
	return wordAddress.check(p.server.address)
}

// add registers a server and puts it into service. A server that is there
// already is brought to the same state.
func (rt *runtime) add(name string, s server) error {
	answers, err := rt.command("add server "+name+" "+s.address+" weight "+strconv.Itoa(s.weight), "set server "+name+" state "+wantedState(s))
	if err != nil {
		return err
	}
	switch {
	case strings.HasPrefix(answers[0], "New server registered"):
		return refused(answers[1:])
	case strings.HasPrefix(answers[0], "Already exists"):
		rt.broken = true // it was not known to be there: its address may be another
		return fmt.Errorf("HAProxy has a server %s already; looking at it afresh", name)
	}
	return refused(answers)
}

// set brings weight and state of a server to what they should be.
func (rt *runtime) set(name string, s server) error {
	answers, err := rt.command("set server "+name+" weight "+strconv.Itoa(s.weight), "set server "+name+" state "+wantedState(s))
	if err != nil {
		return err
	}
	return refused(answers)
}

func wantedState(s server) string {
	if s.drain {
		return "drain"
	}
	return "ready"
}

// removeServer takes a server out at once: whoever is behind its address now
// must not get what was meant for it.
func (rt *runtime) removeServer(s *step) {
	before, ok := s.change.Before.Native.(place)
	if !ok || rt.r.condition.process != "running" || !rt.r.backends[before.backend] {
		return
	}
	if err := checkPlace(before); err != nil {
		s.fail(v1.GatewayRejected, err.Error(), "")
		return
	}
	if err := rt.remove(backendName(rt.r.o.Owner, before.backend) + "/" + before.server.name); err != nil {
		s.fail(v1.GatewayUnreachable, err.Error(), "")
	}
}

// removeTries bounds how long a server may keep a connection that was told to
// end; HAProxy's other threads need a moment for it.
const removeTries = 10

// remove takes a server out of service, ends its sessions and deletes it.
func (rt *runtime) remove(name string) error {
	answers, err := rt.command("set server "+name+" state maint", "shutdown sessions server "+name, "del server "+name)
	for try := 0; err == nil; try++ {
		last := answers[len(answers)-1]
		switch {
		case strings.HasPrefix(last, "Server deleted"), strings.HasPrefix(last, "No such server"):
			return nil
		case !strings.Contains(last, "still has connections"), try == removeTries:
			return fmt.Errorf("HAProxy keeps server %s, out of service: %s", name, last)
		}
		if err = pause(rt.ctx, time.Millisecond<<min(try, 5)); err != nil {
			break
		}
		answers, err = rt.command("shutdown sessions server "+name, "del server "+name)
	}
	rt.broken = true
	return err
}

// refused returns the first answer that is an error. Success is silence, or a
// notice about an address.
func refused(answers []string) error {
	for _, answer := range answers {
		if answer != "" {
			return fmt.Errorf("HAProxy refused: %s", firstLine(answer))
		}
	}
	return nil
}

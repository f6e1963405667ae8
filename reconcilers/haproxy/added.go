package haproxy

import (
	"maps"
	"slices"
	"strings"

	"github.com/lockstep/lockstep/reconcilers/haproxy/config"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
	"github.com/lockstep/lockstep/reconcilers/haproxy/socket"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// From 3.4 on a backend can be added and deleted at runtime; its settings are then
// those of a defaults section, ours of the default ones. So a brand-new service
// gets a backend of its own name, as many as there are, and nothing of a service
// that is gone is left behind. The files say the same with each round, and a
// reload makes of it what it was.

// addBackends adds backends of default settings to the running process, and
// returns those that it took.
func (rt *runtime) addBackends(backends []*config.Backend) []*config.Backend {
	commands := make([]string, 0, 2*len(backends))
	for _, b := range backends {
		name := routemap.Backend(rt.r.o.Owner, b.Name())
		commands = append(commands, "add backend "+name+" from "+b.Defaults(rt.r.o.Owner), "publish backend "+name)
	}
	answers, err := rt.command(commands...)
	if err != nil {
		return nil // the steps that need them say why, or a reload makes them
	}
	var added []*config.Backend
	for i, b := range backends {
		if answer := answers[2*i]; strings.HasPrefix(answer, "New backend registered") {
			added = append(added, b)
		} else {
			rt.r.o.Log.Debug("haproxy added no backend", "backend", b.Name(), "answer", socket.FirstLine(answer))
		}
	}
	return added
}

// bury deletes the backends of default settings that the steps have left without
// servers and without a service. One over which a request still is under way
// stays until the next reload.
func (rt *runtime) bury(steps []*step) {
	r := rt.r
	if !r.can().addsBackends || r.condition.process != processRuns {
		return
	}
	touched := map[string]bool{}
	for _, s := range pending(steps) {
		if s.change.Op != plan.Delete {
			continue
		}
		switch native := s.change.Before.Native.(type) {
		case *config.Backend:
			touched[native.Name()] = true
		case config.Place:
			touched[native.Backend] = true
		}
	}
	e := r.model.Edit()
	for _, name := range slices.Sorted(maps.Keys(touched)) {
		b := r.model.Backend(name)
		if b == nil || !b.Retired || !b.Standard() || b.Spare != "" || len(b.Servers) > 0 || !r.backends[name] || r.leaves(name) {
			continue
		}
		live := routemap.Backend(r.o.Owner, name)
		answers, err := rt.command("unpublish backend "+live, "del backend "+live)
		if err == nil && !strings.Contains(answers[1], "Backend deleted") {
			_, err = rt.command("publish backend " + live) // the service may come back
		} else if err == nil {
			delete(r.backends, name)
			e.Forget(b.Service, name)
		}
		if err != nil {
			break
		}
	}
	e.Apply()
}

// leaves reports whether servers of a backend wait to be deleted.
func (r *Reconciler) leaves(backend string) bool {
	for place := range r.leaving {
		if strings.HasPrefix(place, backend+"/") {
			return true
		}
	}
	return false
}

package controller

import (
	"maps"
	"slices"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
	"github.com/lockstep/lockstep/controller/ledger"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// known is what is known of a worker's gateway on which it depends what there should be. Its
// maps are immutable: the worker and the loop replace them, under the worker's lock.
type known struct {
	mode ledger.KongMode
	// ports are those of desired.Heard: where HAProxy surely takes what Kong sends, or where
	// Kong may send, by service. Each worker errs on its side.
	ports map[string]uint16
	whole bool // ports is about every service
	// stalled says that the last round could change nothing: the gateway is down, or paused.
	stalled bool
}

// hear hands the builder what the workers know.
func (c *Controller) hear() {
	var heard desired.Heard
	for _, w := range c.workers {
		k := w.knows()
		if w.name != v1.Kong {
			heard.Listens, heard.Stalled = k.ports, k.stalled
			continue
		}
		heard.KongMode = k.mode
		if k.whole {
			heard.Dials = k.ports
		}
	}
	c.builder.Hear(heard)
}

// hint passes on what flags would spare a gateway, and logs what is new of it.
func (c *Controller) hint() {
	hints := c.builder.Hints()
	if slices.Equal(hints, c.hints) {
		return
	}
	for _, hint := range hints {
		if !slices.Contains(c.hints, hint) {
			c.log.Info("gateway could do with fewer changes", "gateway", string(v1.Kong), "hint", hint)
		}
	}
	c.hints = hints
	c.status.Hints(v1.Kong, hints)
}

// meet notes how the gateway is configured, as it was found when it was last observed.
func (w *worker) meet() {
	configured, can := w.reconciler.(reconcilers.Configured)
	if !can {
		return
	}
	found := configured.Configuration()
	if !found.Known {
		return
	}
	w.absent = found.Absent
	mode := ledger.KongDatabase
	if found.Whole {
		mode = ledger.KongDBLess
	}
	w.note(func(next *draft) {
		if next.mode != mode {
			next.mode, next.changed = mode, true
		}
	})
}

// knows returns what is known of the gateway.
func (w *worker) knows() known {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.known
}

// note changes what is known of the gateway, and has the loop take it up where that
// made a difference.
func (w *worker) note(change func(next *draft)) {
	w.mu.Lock()
	next := draft{known: w.known}
	change(&next)
	w.known = next.known
	w.mu.Unlock()
	if next.changed {
		w.tell()
	}
}

// stall notes whether the gateway takes up what it is to hold.
func (w *worker) stall(stalled bool) {
	w.note(func(next *draft) {
		next.changed = next.stalled != stalled
		next.stalled = stalled
	})
}

// portOf returns the port between the gateways that a service is to have; 0 for none.
func portOf(s *v1.Service) uint16 {
	if s == nil {
		return 0
	}
	return s.Via.Port
}

// concerned returns the services of a scope that have a port, or had one.
func (w *worker) concerned(scope reconcilers.Scope, ports map[string]uint16) []string {
	if !scope.All() {
		return scope.Services
	}
	var names []string
	for name := range w.set {
		if portOf(w.set[name]) != 0 {
			names = append(names, name)
		}
	}
	return slices.AppendSeq(names, maps.Keys(ports))
}

// unsettle notes that it is uncertain from now on what the gateway does with the ports of
// services that are to have others. The loop does that itself, with what it submits and under the
// same lock: what it hears next is never older than what it asked for.
func (w *worker) unsettle(changed v1.Set) {
	next := draft{known: w.known}
	for name, s := range changed {
		switch wanted := portOf(s); {
		case wanted == next.ports[name]:
		case w.name != v1.Kong:
			next.drop(name)
		case wanted != 0:
			next.set(name, wanted)
		}
	}
	w.known = next.known
}

// settleVia notes what the gateway does with the ports after a round: what it should, for each
// service of which every change that was due has been made, and of which nothing else is wanted
// by now. A node that did not answer goes on with what it had.
func (w *worker) settleVia(scope reconcilers.Scope, outcomes []plan.Outcome, problems map[string][]v1.Problem) {
	if w.absent {
		return
	}
	undone := w.undone(outcomes)
	w.note(func(next *draft) {
		for _, name := range w.concerned(scope, next.ports) {
			wanted := portOf(w.set[name])
			newer, again := w.pending[name]
			switch {
			case undone[name], again && portOf(newer) != wanted, w.name != v1.Kong && slices.ContainsFunc(problems[name], ofInstances):
			case wanted == 0:
				next.drop(name)
			default:
				next.set(name, wanted)
			}
		}
		if !scope.All() || next.whole {
			return
		}
		next.whole, next.changed = true, true
		for name := range undone {
			if _, has := next.ports[name]; !has && w.name == v1.Kong {
				next.set(name, desired.AnyPort) // from before this daemon's time
			}
		}
	})
}

// ofInstances reports whether a problem may keep requests from instances, by whatever route
// they come.
func ofInstances(p v1.Problem) bool { return p.Object.Kind != v1.KindRoute }

// undone returns the services of which something differs still from what they should be: not
// each difference that was found is among what was made.
func (w *worker) undone(outcomes []plan.Outcome) map[string]bool {
	made := map[v1.Key]bool{}
	for _, outcome := range outcomes {
		if outcome.Problem == nil {
			made[outcome.Change.Key] = true
		}
	}
	undone := map[string]bool{}
	for _, change := range w.differs {
		if service := change.Object().Service; service != "" && !made[change.Key] {
			undone[v1.DerivedFrom(service)] = true
		}
	}
	return undone
}

// draft is what is to be known next. The ports are copied with the first change.
type draft struct {
	known
	changed, own bool
}

func (d *draft) set(name string, port uint16) {
	if had, has := d.ports[name]; !has || had != port {
		d.copy()
		d.ports[name] = port
	}
}

func (d *draft) drop(name string) {
	if _, has := d.ports[name]; has {
		d.copy()
		delete(d.ports, name)
	}
}

func (d *draft) copy() {
	if !d.own {
		d.ports = maps.Clone(d.ports)
	}
	if d.ports == nil {
		d.ports = map[string]uint16{}
	}
	d.changed, d.own = true, true
}

package controller

import (
	"log/slog"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// drift is what a worker does about changes by others at its gateway.
type drift struct {
	*reconcilers.Drift
	witness reconcilers.Witness // nil: nobody can tell them from our own
	save    func(reconcilers.DriftMemory) error
	kept    saved[reconcilers.DriftMemory]
	told    map[v1.Key]string // what was logged: as what each was observed
}

func newDrift(gateway Gateway) *drift {
	d := &drift{Drift: reconcilers.NewDrift(gateway.Drift), save: gateway.KeepDrifted, told: map[v1.Key]string{}}
	d.witness, _ = gateway.Reconciler.(reconcilers.Witness)
	d.Remember(gateway.Drifted)
	d.kept.memory = gateway.Drifted
	return d
}

// filter keeps back from a plan what would undo what others did and is to be reported.
func (d *drift) filter(now time.Time, scope reconcilers.Scope, observed plan.State, p plan.Plan) plan.Plan {
	if !d.Watches() {
		return p
	}
	look := reconcilers.Look{Now: now, Scope: scope, Empty: len(observed) == 0}
	if d.witness != nil {
		look.Left = d.witness.Left(scope)
	}
	return d.Filter(look, p)
}

// keep saves what is reported when that changed, and reports whether it did. Where it
// can't be saved, the next daemon repairs it.
func (d *drift) keep(dryRun bool, log *slog.Logger) (changed bool) {
	save := d.save
	if save == nil || dryRun {
		save = func(reconcilers.DriftMemory) error { return nil }
	}
	changed, err := d.kept.keep(d.Memory(), save)
	if err != nil {
		log.Warn("what others changed at the gateway can't be noted; a restart would put it back", "error", err)
	}
	return changed
}

// repairs has what is reported put back, with the next round.
func (w *worker) repairs() {
	w.mu.Lock()
	w.repair = true
	w.mu.Unlock()
	w.refresh()
}

// report puts what is left undone among the problems.
func (w *worker) report(reported []plan.Reported, problems map[string][]v1.Problem) {
	for _, r := range reported {
		problems[r.After.Service] = append(problems[r.After.Service], reconcilers.DriftProblem(w.name, r))
	}
}

// tellDrift logs what others changed, once for as long as it is the same.
func (w *worker) tellDrift() {
	d := w.drift
	if !d.Watches() {
		return
	}
	found := d.Memory().Objects
	objects := make(map[v1.Key]string, len(found))
	var news []reconcilers.DriftedObject
	for _, o := range found {
		objects[o.Key] = o.Observed
		if d.told[o.Key] != o.Observed {
			news = append(news, o)
		}
	}
	w.metrics.drifted.WithLabelValues(string(w.name)).Set(float64(len(objects)))
	d.told = objects
	if len(news) > 0 {
		w.log.Warn("somebody else changed what is ours at the gateway; it is left so, and put back by: lockstep apply --repair",
			"found", len(news), "first", news[0].Key.String(), "fields", news[0].Fields)
	}
}

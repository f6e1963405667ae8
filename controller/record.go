package controller

import (
	"errors"
	"maps"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/status"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// record tells status, metrics and log what became of a round.
func (w *worker) record(j job, outcomes []plan.Outcome, problems map[string][]v1.Problem, err error, began time.Time) {
	now := time.Now()
	round := status.Round{Services: j.scope.Services, Build: j.build, Reason: v1.Serving, Problems: problems, Told: w.set, At: now}
	if j.scope.All() {
		w.common = problems[""]
	}
	made := w.count(j, outcomes, err)
	round.Accepted = accepted(outcomes)
	round.Changes = made[plan.Create] + made[plan.Update] + made[plan.Delete]
	for _, held := range w.guard.Held() {
		round.Held = append(round.Held, status.Held(held))
	}
	if err != nil {
		round.Reason, round.Error = v1.GatewayUnreachable, err.Error()
		if problem, ok := errors.AsType[v1.Problem](err); ok {
			round.Reason = problem.Reason
		}
	}
	if err == nil && len(w.common) > 0 { // everything needs what belongs to no service
		round.Reason, round.Error = w.common[0].Reason, w.common[0].Error()
	}
	if err == nil && j.withheld != "" {
		round.Reason, round.Error = v1.Paused, j.withheld
	}
	w.status.Applied(w.name, round)
	w.metrics.round(w.name, j, made, len(round.Held), err, began, now)
	switch {
	case round.Reason == v1.Starting: // waits for its turn
		round.Error = ""
	case round.Reason == v1.Paused: // as somebody wanted it
		if w.lastReason != v1.Paused {
			w.log.Info("gateway is not changed", "why", round.Error)
		}
	case round.Error != "" && round.Error != w.lastErr:
		w.log.Warn("gateway can't be brought up to date; it goes on as it is", "error", round.Error)
	case round.Error == "" && w.lastErr != "":
		w.log.Info("gateway is up to date again")
	}
	w.lastErr, w.lastReason = round.Error, round.Reason
	w.tellHeld(round.Held)
	w.tellDrift()
	if round.Changes > 0 {
		w.log.Info("applied", "created", made[plan.Create], "updated", made[plan.Update], "deleted", made[plan.Delete],
			"held", len(round.Held), "took", now.Sub(began).Round(time.Microsecond))
	}
}

// accepted is what the gateway serves only a while after, by the service that it is of.
func accepted(outcomes []plan.Outcome) map[string]status.Accepted {
	var out map[string]status.Accepted
	for _, outcome := range outcomes {
		if outcome.Generation == 0 {
			continue
		}
		if out == nil {
			out = map[string]status.Accepted{}
		}
		service := v1.DerivedFrom(outcome.Change.Object().Service)
		a := out[service]
		a.Generation = max(a.Generation, outcome.Generation)
		if key := outcome.Change.Key; outcome.Opens {
			if a.Opens == nil {
				a.Opens = map[string]bool{}
			}
			a.Opens[key.Name] = true
		}
		out[service] = a
	}
	return out
}

// tellUnmade warns of objects of manifests that belong to no service and can't be made as they
// are, of each problem once for as long as there is it. What is wrong with a service, whoever
// starts its containers looks up; of the daemon's own settings the reconciler tells.
func (w *worker) tellUnmade(scope reconcilers.Scope) {
	if !scope.All() {
		return
	}
	now := map[string]bool{}
	for _, problem := range w.unmade {
		switch problem.Object.Kind {
		case v1.KindSection, v1.KindEntity, v1.KindCertificate, v1.KindListener:
			text := problem.Error()
			if !now[text] && !w.toldUnmade[text] {
				w.log.Warn("an object of a manifest can't be served as it is", "object", problem.Object.String(), "problem", text)
			}
			now[text] = true
		}
	}
	w.toldUnmade = now
}

// tellHeld warns when the guard keeps back what it did not before.
func (w *worker) tellHeld(held []status.Held) {
	owners := make(map[v1.Key]bool, len(held))
	var news []string
	for _, h := range held {
		owners[h.Owner] = true
		if !w.held[h.Owner] {
			news = append(news, h.Sentence)
		}
	}
	w.held = owners
	if len(news) > 0 {
		w.log.Warn("removals are kept back, for many would go at once",
			"held", len(held), "first", news[0], "if_meant", w.letGo)
	}
}

// count counts what was made, by operation, and logs what was not, once for as
// long as it fails for the same reason. Where the gateway as a whole failed, that
// is said once and not of each change.
func (w *worker) count(j job, outcomes []plan.Outcome, err error) map[plan.Op]int {
	made, failing := map[plan.Op]int{}, map[v1.Key]bool{}
	for _, outcome := range outcomes {
		key := outcome.Change.Key
		switch {
		case outcome.Problem == nil && outcome.Again:
			continue
		case outcome.Problem == nil:
			made[outcome.Change.Op]++
			delete(w.warned, key)
			w.log.Debug("changed", "change", outcome.Change.Sentence())
			continue
		case err != nil, outcome.Problem.Reason == v1.Starting, len(w.common) > 0 && outcome.Change.Object().Service != "":
			// said of the gateway as a whole, or only waiting for its turn
			w.log.Debug("change failed", "change", outcome.Change.Sentence(), "problem", outcome.Problem.Error())
		case w.warned[key] != outcome.Problem.Error():
			w.warned[key] = outcome.Problem.Error()
			w.log.Warn("change failed", "change", outcome.Change.Sentence(), "problem", outcome.Problem.Error())
		}
		failing[key] = true
	}
	if err == nil && j.scope.All() { // forget what nobody asks for any more
		maps.DeleteFunc(w.warned, func(key v1.Key, _ string) bool {
			_, refused := w.refused[key]
			return !refused && !failing[key]
		})
	}
	return made
}

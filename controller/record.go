package controller

import (
	"errors"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/status"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// record tells status, metrics and log what became of a round.
func (w *worker) record(j job, p plan.Plan, outcomes []plan.Outcome, problems map[string][]v1.Problem, err error, began time.Time) {
	now := time.Now()
	round := status.Round{Services: j.scope.Services, Build: j.build, Reason: v1.Serving, Problems: problems, At: now}
	made := map[plan.Op]int{}
	for _, outcome := range outcomes {
		key := outcome.Change.Key
		if outcome.Problem == nil {
			made[outcome.Change.Op]++
			round.Changes++
			delete(w.warned, key)
			w.log.Debug("changed", "change", outcome.Change.Sentence())
			continue
		}
		if text := outcome.Problem.Error(); w.warned[key] != text {
			w.warned[key] = text
			w.log.Warn("change failed", "change", outcome.Change.Sentence(), "problem", text)
		}
	}
	for _, held := range w.guard.Held() {
		round.Held = append(round.Held, status.Held(held))
	}
	if err != nil {
		round.Reason, round.Error = v1.GatewayUnreachable, err.Error()
		var problem v1.Problem
		if errors.As(err, &problem) {
			round.Reason = problem.Reason
		}
	}
	if common := problems[""]; err == nil && len(common) > 0 { // everything needs what belongs to no service
		round.Reason, round.Error = common[0].Reason, common[0].Error()
	}
	w.status.Applied(w.name, round)
	w.metrics.round(w.name, j, made, len(round.Held), err, began, now)
	switch {
	case round.Error != "" && round.Error != w.lastErr:
		w.log.Warn("gateway can't be brought up to date; it goes on as it is", "error", round.Error)
	case round.Error == "" && w.lastErr != "":
		w.log.Info("gateway is up to date again")
	}
	w.lastErr = round.Error
	if round.Changes > 0 {
		w.log.Info("applied", "created", made[plan.Create], "updated", made[plan.Update], "deleted", made[plan.Delete],
			"held", len(round.Held), "took", now.Sub(began).Round(time.Microsecond))
	}
}

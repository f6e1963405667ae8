package controller

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// refusal is what a gateway refused, and why. The same is not asked again.
type refusal struct {
	asked   string // a text of the object's fields
	problem v1.Problem
}

// withoutRefused leaves out what the gateway refused before, as long as the
// same is asked, and puts the reason among the problems. Where something else is
// asked in place of what was refused, all of that service is asked again: what
// was refused along with it may have lacked just this.
func (w *worker) withoutRefused(changes []plan.Change, problems map[string][]v1.Problem) []plan.Change {
	if len(w.refused) == 0 {
		return changes
	}
	anew := map[string]bool{}
	for _, change := range changes {
		if known, ok := w.refused[change.Key]; ok && known.asked != asked(change) {
			anew[change.Object().Service] = true
		}
	}
	kept := make([]plan.Change, 0, len(changes))
	for _, change := range changes {
		service := change.Object().Service
		known, ok := w.refused[change.Key]
		if !ok || anew[service] {
			kept = append(kept, change)
			continue
		}
		problems[service] = append(problems[service], known.problem)
	}
	return kept
}

// judge sorts failed changes. What the gateway refuses waits for a change of
// the input; the rest is tried again, and with it what was refused of the same
// service, perhaps only because something that it needs had failed. What belongs
// to no service is always tried again, and everything with it: all need it. So
// is everything where the gateway as a whole failed (err): a conflict about the
// gateway is no refusal of each object.
func (w *worker) judge(outcomes []plan.Outcome, problems map[string][]v1.Problem, err error) (retry bool) {
	passing := map[string]bool{}
	for _, outcome := range outcomes {
		if outcome.Problem != nil && (!final(outcome.Problem.Reason) || outcome.Change.Object().Service == "") {
			passing[outcome.Change.Object().Service] = true
		}
	}
	for _, outcome := range outcomes {
		key, object := outcome.Change.Key, outcome.Change.Object()
		if outcome.Problem == nil {
			delete(w.refused, key)
			continue
		}
		problem := *outcome.Problem
		problem.Gateway = w.name
		if problem.Object.Kind != v1.KindRoute && problem.Object.Kind != v1.KindService { // the gateway knows no better
			problem.Object = object.Owner
		}
		if problem.Origin.IsZero() {
			problem.Origin = object.Origin
		}
		problems[object.Service] = append(problems[object.Service], problem)
		if err == nil && final(problem.Reason) && !passing[object.Service] && !passing[""] {
			w.refused[key] = refusal{asked: asked(outcome.Change), problem: problem}
		}
	}
	return len(passing) > 0
}

// final reports whether asking again for the same would be in vain.
func final(reason v1.Reason) bool {
	return reason == v1.GatewayRejected || reason == v1.Conflict || reason == v1.NotExpressible
}

// asked returns what a change asks of the gateway, as text.
func asked(change plan.Change) string {
	if change.After == nil {
		return string(change.Op)
	}
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(change.After.Fields)) {
		fmt.Fprintf(&text, "%s=%q ", name, change.After.Fields[name])
	}
	return text.String()
}

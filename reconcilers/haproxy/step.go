package haproxy

import (
	"errors"
	"slices"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// step is one change on its way.
type step struct {
	change  plan.Change
	problem *v1.Problem // why it was not made
	again   bool        // see plan.Outcome
}

// fail notes why a step was not made; the first reason stays.
func (s *step) fail(reason v1.Reason, message, fix string) {
	if s.problem == nil {
		s.problem = &v1.Problem{
			Reason: reason, Gateway: v1.HAProxy, Object: s.change.Object().Owner, Origin: s.change.Object().Origin,
			Message: message, Fix: fix,
		}
	}
}

func (s *step) failed() bool { return s.problem != nil }

// failAll fails what has not failed yet for one reason that concerns all.
func failAll(steps []*step, err error) {
	reason, message, fix := v1.GatewayUnreachable, err.Error(), ""
	if problem, ok := errors.AsType[v1.Problem](err); ok {
		reason, message, fix = problem.Reason, problem.Message, problem.Fix
	}
	for _, s := range steps {
		s.fail(reason, message, fix)
	}
}

// pending returns the steps that have not failed.
func pending(steps []*step) []*step {
	return slices.DeleteFunc(slices.Clone(steps), (*step).failed)
}

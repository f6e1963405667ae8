package haproxy

import (
	v1 "github.com/lockstep/lockstep/api/v1"
)

// unserved names what is for Kong, when there is none: nothing is dropped without
// a word.
func (r *Reconciler) unserved(entities []v1.Entity) []v1.Problem {
	if !r.o.Alone {
		return nil
	}
	problems := make([]v1.Problem, len(entities))
	for i := range entities {
		problems[i] = v1.Problem{
			Reason: v1.NotExpressible, Gateway: v1.HAProxy, Object: entities[i].Key(), Origin: entities[i].Origin,
			Message: "it is for Kong, which is not kept here", Fix: "name Kong's Admin API (--kong-admin-url), or remove it",
		}
	}
	return problems
}

package kong

import (
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// keep notes what Kong holds now under a key; nil for nothing.
func (r *Reconciler) keep(key v1.Key, service string, o *plan.Object) {
	r.count(key, r.held[service][key], o)
	if o == nil {
		delete(r.held[service], key)
		if len(r.held[service]) == 0 {
			delete(r.held, service)
		}
		return
	}
	if r.held[service] == nil {
		r.held[service] = plan.State{}
	}
	r.held[service][key] = o
}

// secrets are those that Kong may repeat when a plan is written.
func (r *Reconciler) secrets(p plan.Plan) []string {
	var states []plan.State
	services := map[string]bool{}
	for group := range r.held {
		services[group] = strings.HasPrefix(group, "@")
	}
	for _, change := range p.Changes {
		for _, o := range []*plan.Object{change.Before, change.After} {
			if o != nil {
				states = append(states, plan.State{o.Key: o})
				services[o.Service] = true
			}
		}
	}
	for service, counts := range services {
		if counts {
			states = append(states, r.held[service])
		}
	}
	return slices.Concat(r.base.Secrets(), r.there.Secrets(), entity.Secrets(states...))
}

package controller

import (
	"context"
	"strings"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/status"
	"github.com/lockstep/lockstep/reconcilers"
)

// countPatience bounds how long an explanation waits for a gateway's count.
const countPatience = 2 * time.Second

// Explain is what the status knows of a container or service, and how much the
// gateways still do for instances that get nothing new, as far as they can tell.
// It returns false when nothing known is called so.
func (c *Controller) Explain(ctx context.Context, ref string) (status.Explanation, bool) {
	explanation, known := c.status.Explain(ref)
	for i := range explanation.Services {
		c.countSessions(ctx, &explanation.Services[i])
	}
	return explanation, known
}

// countSessions adds to what is said of each instance that gets nothing new how many sessions it has.
func (c *Controller) countSessions(ctx context.Context, service *status.Service) {
	for _, w := range c.workers {
		counter, can := w.reconciler.(reconcilers.Counter)
		if !can || !finishes(service, w.name) {
			continue
		}
		counts, err := w.sessions(ctx, counter, service.Service)
		service.Count(w.name, func(id string) int {
			for endpoint, n := range counts {
				if endpoint != "" && strings.HasPrefix(id, endpoint) {
					return n
				}
			}
			return 0
		}, err)
	}
}

// finishes reports whether an instance of the service has something to finish on a gateway.
func finishes(service *status.Service, gateway v1.Gateway) bool {
	for _, i := range service.Instances {
		for _, v := range i.Verdicts {
			if v.Gateway == gateway && v.Finishes() {
				return true
			}
		}
	}
	return false
}

// sessions asks the gateway about a service and those that hold its versions.
func (w *worker) sessions(ctx context.Context, counter reconcilers.Counter, service string) (map[string]int, error) {
	type answer struct {
		counts map[string]int
		err    error
	}
	answers := make(chan answer, 1)
	ctx, cancel := context.WithTimeout(ctx, countPatience)
	defer cancel()
	err := w.visit(ctx, func(worker context.Context) {
		ctx, cancel := context.WithTimeout(worker, countPatience)
		defer cancel()
		a := answer{counts: map[string]int{}}
		for name := range w.set {
			if v1.DerivedFrom(name) != service || a.err != nil {
				continue
			}
			var counts map[string]int
			counts, a.err = counter.Sessions(ctx, name)
			for id, n := range counts {
				a.counts[id] += n
			}
		}
		answers <- a
	})
	if err != nil {
		return nil, err
	}
	a := <-answers
	return a.counts, a.err
}

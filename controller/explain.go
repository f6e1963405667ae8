package controller

import (
	"context"
	"fmt"
	"strings"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
	"github.com/lockstep/lockstep/controller/snapshot"
	"github.com/lockstep/lockstep/controller/status"
	"github.com/lockstep/lockstep/reconcilers"
)

// inspectPatience bounds how long an explanation waits for a gateway.
const inspectPatience = 2 * time.Second

// Explain is what the status knows of a container or service, and what the gateways
// themselves know of its instances at this moment, as far as they can be asked.
// It returns false when nothing known is called so.
func (c *Controller) Explain(ctx context.Context, ref string) (status.Explanation, bool) {
	explanation, known := c.status.Explain(ref)
	answers := make(chan []desired.Trail, 1)
	asking, cancel := context.WithTimeout(ctx, inspectPatience)
	defer cancel()
	unasked := c.question(asking, func() { answers <- c.builder.Trails(ref) })
	if len(explanation.Services) == 1 && explanation.Services[0].Service == ref {
		c.selection(asking, &explanation.Services[0])
	}
	for i := range explanation.Services {
		service := &explanation.Services[i]
		for _, w := range c.workers {
			if inspector, can := w.reconciler.(reconcilers.Inspector); can && stands(service, w.name) {
				live, err := w.inspect(ctx, inspector, service.Service)
				service.Inspected(w.name, func(id string) reconcilers.Live { return find(live, id) }, err)
			}
		}
	}
	if unasked != nil { // what became of it is told without how
		explanation.Undecided = "the daemon has no time to say: " + unasked.Error()
	} else {
		explanation.Follow(<-answers)
	}
	return explanation, known
}

// The most that a report asks about selectors: services without instances, and how long
// it waits for the loop.
const (
	maxUnpicked    = 16
	selectPatience = 500 * time.Millisecond
)

// Report is the status, which says of services without instances as well what became of
// their selectors; of the first sixteen of them, while the loop has time to say.
func (c *Controller) Report() status.Report {
	report := c.status.Report()
	c.selections(context.Background(), &report)
	return report
}

// selections adds to services without instances what became of their selectors.
func (c *Controller) selections(ctx context.Context, report *status.Report) {
	ctx, cancel := context.WithTimeout(ctx, selectPatience)
	defer cancel()
	told := 0
	for i := range report.Services {
		s := &report.Services[i]
		if told == maxUnpicked || ctx.Err() != nil {
			break
		}
		if len(s.Instances) > 0 || s.Manifest.IsZero() {
			continue
		}
		if c.selection(ctx, s); s.Selection != nil {
			told++
		}
	}
}

// selection adds to a service what became of its selector. One question for each lets the
// loop go on with its work in between; where it has no time for that, nothing is added.
func (c *Controller) selection(ctx context.Context, s *status.Service) {
	name, answers := s.Service, make(chan *desired.Selection, 1)
	if err := c.question(ctx, func() { answers <- c.builder.Selection(name) }); err == nil {
		s.Select(<-answers)
	}
}

// Counts says of a container, whether it is known or not, by what it counts, or why it
// does not.
func (c *Controller) Counts(ctx context.Context, instance snapshot.Instance) (by string, why *v1.Problem, err error) {
	type answer struct {
		by  string
		why *v1.Problem
	}
	answers := make(chan answer, 1)
	asking, cancel := context.WithTimeout(ctx, inspectPatience)
	defer cancel()
	if err := c.question(asking, func() {
		by, why := c.builder.Counts(instance)
		answers <- answer{by, why}
	}); err != nil {
		return "", nil, fmt.Errorf("the daemon has no time to say: %w", err)
	}
	a := <-answers
	return a.by, a.why, nil
}

// stands reports whether the gateway has an address of one of the service's instances.
func stands(service *status.Service, gateway v1.Gateway) bool {
	for _, i := range service.Instances {
		for _, v := range i.Verdicts {
			if v.Gateway == gateway && v.Address != "" {
				return true
			}
		}
	}
	return false
}

// find looks a container up among endpoints, whose ids are the beginnings of containers'.
func find(live map[string]reconcilers.Live, id string) reconcilers.Live {
	for endpoint, l := range live {
		if endpoint != "" && strings.HasPrefix(id, endpoint) {
			return l
		}
	}
	return reconcilers.Live{}
}

// inspect asks the gateway about a service and those that hold its versions.
func (w *worker) inspect(ctx context.Context, inspector reconcilers.Inspector, service string) (map[string]reconcilers.Live, error) {
	type answer struct {
		live map[string]reconcilers.Live
		err  error
	}
	answers := make(chan answer, 1)
	ctx, cancel := context.WithTimeout(ctx, inspectPatience)
	defer cancel()
	err := w.visit(ctx, func(worker context.Context) {
		ctx, cancel := context.WithTimeout(worker, inspectPatience)
		defer cancel()
		a := answer{live: map[string]reconcilers.Live{}}
		for name := range w.set {
			if v1.DerivedFrom(name) != service || a.err != nil {
				continue
			}
			var live map[string]reconcilers.Live
			live, a.err = inspector.Inspect(ctx, name)
			for id, l := range live {
				l.Sessions += a.live[id].Sessions
				a.live[id] = l
			}
		}
		answers <- a
	})
	if err != nil {
		return nil, err
	}
	a := <-answers
	return a.live, a.err
}

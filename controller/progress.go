package controller

import (
	"context"
	"sync"
	"time"

	"github.com/lockstep/lockstep/controller/status"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// progressEvery is how often it is told how far a round is. One that is over before is
// told of once, at its end, and so is a thousand changes in that time.
const progressEvery = 250 * time.Millisecond

// apply makes the changes of a plan, and has the status say meanwhile how far they are.
func (w *worker) apply(ctx context.Context, p plan.Plan) ([]plan.Outcome, error) {
	p.Progress = &plan.Progress{}
	ended := make(chan struct{})
	var following sync.WaitGroup
	following.Go(func() { w.follow(p, ended) })
	outcomes, err := w.reconciler.Apply(ctx, p)
	close(ended)
	following.Wait() // nothing is told after the round
	return outcomes, err
}

// follow tells how far a plan is, when that has changed, until it has ended.
func (w *worker) follow(p plan.Plan, ended <-chan struct{}) {
	ticker := time.NewTicker(progressEvery)
	defer ticker.Stop()
	var told *plan.Step
	since := time.Now()
	for {
		select {
		case <-ended:
			return
		case <-ticker.C:
		}
		if now := p.Progress.Now(); told == nil || *told != now {
			if told != nil || now.Done > 0 {
				since = time.Now()
			}
			told = &now
			w.status.Applying(w.name, status.Applying{Done: now.Done, Total: len(p.Changes), Means: now.Means, Since: since})
		}
	}
}

package controller

import (
	"context"
	"time"

	"github.com/lockstep/lockstep/reconcilers"
)

// acquaintPatience bounds how long those who only look wait for a gateway to say how it is
// configured.
const acquaintPatience = 5 * time.Second

// acquaint has the gateways asked how they are configured, before somebody who only looks is
// told what there should be: no round has done so. One that does not answer in time says so when
// it is asked for more.
func (c *Controller) acquaint(ctx context.Context) {
	if !c.options.DryRun {
		return
	}
	for _, w := range c.workers {
		if _, can := w.reconciler.(reconcilers.Configured); !can || w.knows().mode != "" || w.visit(ctx, func(context.Context) {}) != nil {
			continue
		}
		patient, cancel := context.WithTimeout(ctx, acquaintPatience)
		_ = w.visit(patient, func(ctx context.Context) {
			if _, err := w.reconciler.Observe(ctx, reconcilers.Scope{}); err == nil {
				w.meet()
			}
		})
		cancel()
	}
	c.CatchUp(ctx)
}

// CatchUp returns when what there should be follows from all that workers know by now, or
// ctx has ended.
func (c *Controller) CatchUp(ctx context.Context) {
	// An end of ctx the caller knows of, and a ledger that can't be saved, the log.
	_ = c.between(ctx, func(time.Time) error { return nil })
}

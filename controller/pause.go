package controller

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/ledger"
	"github.com/lockstep/lockstep/internal/instant"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// PauseOrder asks to leave gateways alone, or to follow again.
type PauseOrder struct {
	// Gateways are those that are meant; none means all that are configured.
	Gateways []v1.Gateway
	// Resume lets them follow again.
	Resume bool
	// By is who asks, for people.
	By string
}

// Paused is what became of a PauseOrder for one gateway.
type Paused struct {
	Gateway v1.Gateway `json:"gateway"` // which one
	Paused  bool       `json:"paused"`  // it is left as it is
	// Changed is false when that was so already.
	Changed bool `json:"changed"`
	// By and Since are those of the order that holds.
	By    string    `json:"by,omitempty"`
	Since time.Time `json:"since,omitzero"`
}

// Pause stops changing gateways, or begins again, also over a restart of the daemon.
// What there should be is worked out all the while, and what a gateway lacks is
// made up for when it is resumed. It is remembered, and no gateway is written to any
// more, when Pause returns without an error.
func (c *Controller) Pause(ctx context.Context, o PauseOrder) ([]Paused, error) {
	for _, name := range o.Gateways {
		if c.worker(name) == nil {
			return nil, fmt.Errorf("there is no gateway %q; name one of %s", name, c.gatewayNames())
		}
	}
	var out []Paused
	err := c.order(ctx, func(now time.Time) error {
		for _, w := range c.workers {
			if len(o.Gateways) == 0 || slices.Contains(o.Gateways, w.name) {
				out = append(out, c.pause(w, o, now))
			}
		}
		c.remember()
		return nil
	})
	for i := range out {
		if err == nil && out[i].Paused {
			err = c.worker(out[i].Gateway).rest(ctx)
		}
	}
	return out, err
}

// restPatience bounds how long a pause waits for what a gateway is just told.
const restPatience = 10 * time.Second

// rest waits until the round that was under way, if there was one, is over.
func (w *worker) rest(ctx context.Context) error {
	if !w.ready() {
		return nil // it has not begun
	}
	ctx, cancel := context.WithTimeout(ctx, restPatience)
	defer cancel()
	if err := w.visit(ctx, func(context.Context) {}); err != nil {
		return fmt.Errorf("%s is paused, but what was begun before goes on still: %w; ask again", w.name, err)
	}
	return nil
}

// pause carries the order out for one gateway.
func (c *Controller) pause(w *worker, o PauseOrder, now time.Time) Paused {
	holds, was := c.memory.Pauses.Lookup(string(w.name))
	if o.Resume {
		if was {
			c.memory.Pauses.Delete(string(w.name))
			c.log.Info("gateway is followed again", "gateway", string(w.name), "by", o.By)
			w.setPause(nil)
		}
		return Paused{Gateway: w.name, Changed: was}
	}
	if !was {
		holds = ledger.Pause{By: o.By, Since: now.UTC().Truncate(time.Second)}
		c.memory.Pauses.Set(string(w.name), holds)
		c.log.Info("gateway is left alone", "gateway", string(w.name), "by", o.By)
		w.setPause(&holds)
	}
	return Paused{Gateway: w.name, Paused: true, Changed: !was, By: holds.By, Since: holds.Since}
}

func (c *Controller) worker(name v1.Gateway) *worker {
	i := slices.IndexFunc(c.workers, func(w *worker) bool { return w.name == name })
	if i < 0 {
		return nil
	}
	return c.workers[i]
}

// gatewayNames returns the configured gateways as a person would say them.
func (c *Controller) gatewayNames() string {
	names := make([]string, len(c.workers))
	for i, w := range c.workers {
		names[i] = string(w.name)
	}
	return strings.Join(names, ", ")
}

// setPause has the worker leave its gateway alone from its next round on; nil has it
// follow again, which begins with a fresh look.
func (w *worker) setPause(p *ledger.Pause) {
	w.mu.Lock()
	w.pause = p
	w.mu.Unlock()
	w.refresh()
}

// paused returns the order by which the gateway is left alone, or nil.
func (w *worker) paused() *ledger.Pause {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pause
}

// sayPause says in words what the pause keeps back.
func (w *worker) sayPause(p *ledger.Pause, withheld int) string {
	waits := "nothing waits"
	switch {
	case withheld == 1:
		waits = "1 change waits"
	case withheld > 1:
		waits = fmt.Sprintf("%d changes wait", withheld)
	}
	return fmt.Sprintf("paused by %s since %s: %s; go on with: lockstep resume %s", p.By, instant.Text(p.Since), waits, w.name)
}

// withhold returns what may be changed in a dry run or while the gateway is paused,
// and says why that is not all.
func (w *worker) withhold(p plan.Plan, pause *ledger.Pause) (plan.Plan, string) {
	switch {
	case w.dryRun:
		for _, change := range p.Changes {
			w.log.Info("would change", "change", change.Sentence())
		}
		if p.Empty() {
			return p, ""
		}
		return plan.Plan{}, fmt.Sprintf("dry run: %d changes would be made", len(p.Changes))
	case pause != nil:
		var kept plan.Plan
		if keeper, can := w.reconciler.(reconcilers.Keeper); can {
			kept.Changes = slices.DeleteFunc(slices.Clone(p.Changes), func(c plan.Change) bool { return !keeper.Revives(c) })
		}
		return kept, w.sayPause(pause, len(p.Changes)-len(kept.Changes))
	}
	return p, ""
}

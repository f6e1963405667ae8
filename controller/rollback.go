package controller

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
	"github.com/lockstep/lockstep/controller/history"
	"github.com/lockstep/lockstep/controller/ledger"
)

// RollbackOrder asks to hold services to what was declared at a generation, or to let
// go of them.
type RollbackOrder struct {
	// Generation is the one to go back to.
	Generation uint64
	// Services are those that are meant; none means all that asked for something else
	// then.
	Services []string
	// Release lets them follow what is declared again; none means all that are held.
	Release bool
	// Preview says what would become of the order, and changes nothing.
	Preview bool
	// By is who asks, for people.
	By string
}

// RolledBack is what became of a RollbackOrder for one service, or would.
type RolledBack struct {
	Service string `json:"service"` // which one
	// Generation is the one that it is held to; 0: none.
	Generation uint64 `json:"generation,omitempty"`
	// Changed is false when that was so already, and where it can't be.
	Changed bool `json:"changed"`
	// Fields are what is different then from what holds for it before.
	Fields []v1.Difference `json:"fields,omitempty"`
	// Rivals are routes of other services that hold what it would claim: it may lose
	// its own to them.
	Rivals []string `json:"rivals,omitempty"`
	// Refused says why it stays as it is, and what to do; "" when it does not.
	Refused string `json:"refused,omitempty"`
}

// Rollback holds services to what was declared at a generation, whatever labels and
// manifests ask for meanwhile, or lets go of them, also over a restart of the daemon.
// Their instances are those that run. It is remembered when Rollback returns without an
// error. The error is history.ErrUnknown for a generation that is not kept.
func (c *Controller) Rollback(ctx context.Context, o RollbackOrder) ([]RolledBack, error) {
	var then map[string]*v1.Service
	if !o.Release {
		keeper := c.options.History
		if keeper == nil && !c.options.DryRun {
			return nil, history.ErrNone
		}
		if keeper != nil {
			var err error
			if then, err = keeper.At(o.Generation); err != nil { // here: the loop waits for no disk
				return nil, err
			}
		}
	}
	out := []RolledBack{}
	err := c.order(ctx, func(now time.Time) error {
		if !c.loaded {
			return errEarly
		}
		for _, name := range c.meant(o, then) {
			if o.Release {
				out = append(out, c.release(name, o))
			} else if did, concerned := c.rollback(name, then[name], o, now); concerned {
				out = append(out, did)
			}
		}
		return nil
	})
	return out, err
}

// meant returns the services that an order is about, sorted.
func (c *Controller) meant(o RollbackOrder, then map[string]*v1.Service) []string {
	switch {
	case len(o.Services) > 0:
		return slices.Compact(slices.Sorted(slices.Values(o.Services)))
	case o.Release:
		return slices.Sorted(c.memory.Pins.Keys())
	}
	return slices.Sorted(maps.Keys(then))
}

// rollback holds one service to what it was. It reports whether the order concerns
// it: where none is named, those are left out that are as they were.
func (c *Controller) rollback(name string, then *v1.Service, o RollbackOrder, now time.Time) (RolledBack, bool) {
	did, named := RolledBack{Service: name}, len(o.Services) > 0
	_, holds, there := c.builder.Asked(name)
	switch {
	case !there && then == nil:
		did.Refused = fmt.Sprintf("it has no containers now and no manifest declares it, as at generation %d", o.Generation)
		return did, named
	case !there:
		did.Refused = fmt.Sprintf("it has no containers now and no manifest declares it; bring one of them back first, then: lockstep rollback %d %s", o.Generation, name)
		return did, true
	case then == nil:
		did.Refused = fmt.Sprintf("it did not exist at generation %d; stop its containers to have it gone", o.Generation)
		return did, true
	}
	if why := c.builder.Holdable(name, *then); why != nil {
		did.Refused = why.Message + "; " + why.Fix
		return did, true
	}
	did.Fields = v1.Differences(&holds, then)
	pin, pinned := c.memory.Pins.Lookup(name)
	did.Generation = o.Generation
	did.Changed = !pinned || pin.Generation != o.Generation
	if !named && len(did.Fields) == 0 {
		return did, false
	}
	did.Rivals = c.builder.Rivals(name, *then)
	if did.Changed && !o.Preview {
		c.builder.Pin(name, &ledger.Pin{
			Generation: o.Generation, By: o.By, Since: now.UTC().Truncate(time.Second), Settings: *then,
		}, o.By)
		c.log.Info("service is rolled back", "service", name, "generation", o.Generation, "by", o.By)
	}
	return did, true
}

// release lets go of one service.
func (c *Controller) release(name string, o RollbackOrder) RolledBack {
	_, pinned := c.memory.Pins.Lookup(name)
	did := RolledBack{Service: name, Changed: pinned}
	if !pinned {
		did.Refused = c.notHeld(name)
		return did
	}
	if asked, holds, there := c.builder.Asked(name); there {
		did.Fields = v1.Differences(&holds, &asked)
	}
	if !o.Preview {
		c.builder.Pin(name, nil, o.By)
		c.log.Info("service is released", "service", name, "by", o.By)
	}
	return did
}

// notHeld says that a service is not held, and which one may be meant.
func (c *Controller) notHeld(name string) string {
	held := slices.Sorted(c.memory.Pins.Keys())
	switch near := v1.Nearest(name, held); {
	case len(held) == 0:
		return "it is not held, and nothing is"
	case near != "":
		return "it is not held; did you mean " + near + "?"
	}
	return "it is not held; see what is with: lockstep status"
}

// note has history keep what a round decided.
func (c *Controller) note(now time.Time, settled map[string]*desired.Settled, whole bool) {
	if c.options.History == nil {
		return
	}
	states := make(map[string]*history.State, len(settled))
	for name, s := range settled {
		states[name] = nil
		if s != nil {
			states[name] = &history.State{Settings: &s.Settings, Pin: s.Pin, By: s.By}
		}
	}
	c.options.History.Note(now, states, whole)
}

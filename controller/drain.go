package controller

import (
	"context"
	"slices"
	"time"

	"github.com/lockstep/lockstep/controller/ledger"
)

// DrainOrder asks to take one container out of service, or to put it back.
type DrainOrder struct {
	// Container is its name, its id, or the beginning of its id.
	Container string
	// Undo puts it back.
	Undo bool
	// For is how long its sessions may go on; 0 leaves that to its field drain.
	For time.Duration
	// By is who asks, for people.
	By string
}

// Drained is what became of a DrainOrder.
type Drained struct {
	Container string   `json:"container"` // its name
	ID        string   `json:"id"`        // its whole id
	Services  []string `json:"services"`  // those that it is part of, sorted
	Draining  bool     `json:"draining"`  // it gets nothing new
	// Changed is false when that was so already.
	Changed bool `json:"changed"`
	// By and Since are those of the order that holds.
	By    string    `json:"by,omitempty"`
	Since time.Time `json:"since,omitzero"`
}

// Drain takes a container out of service until it ends or the order is undone,
// also over a restart of the daemon: it gets nothing new on any gateway, and what
// it has begun may go on for a while. It is remembered when Drain returns
// without an error; the gateways follow, also when it could not be saved. The error
// is desired.ErrNoInstance for a container that does not count.
func (c *Controller) Drain(ctx context.Context, o DrainOrder) (Drained, error) {
	var drained Drained
	err := c.order(ctx, func(now time.Time) (err error) {
		drained, err = c.drain(o, now)
		return err
	})
	return drained, err
}

// drain does what the order asks for, as far as the ledger; the round that
// follows does the rest.
func (c *Controller) drain(o DrainOrder, now time.Time) (Drained, error) {
	if !c.loaded {
		return Drained{}, errEarly
	}
	instance, services, err := c.builder.Instance(o.Container)
	if err != nil {
		return Drained{}, err
	}
	drained := Drained{Container: instance.Name, ID: instance.ID, Services: slices.Sorted(slices.Values(services)), Draining: !o.Undo}
	if o.Undo {
		if drained.Changed = c.builder.Drain(instance.ID, nil); drained.Changed {
			c.log.Info("container is put back into service", "container", instance.Name, "by", o.By)
		}
		return drained, nil
	}
	drained.Changed = c.builder.Drain(instance.ID, &ledger.Drain{By: o.By, Since: now.UTC().Truncate(time.Second), For: o.For})
	if drained.Changed {
		c.log.Info("container is taken out of service", "container", instance.Name, "by", o.By)
	}
	holds := c.memory.Drains.Get(instance.ID)
	drained.By, drained.Since = holds.By, holds.Since
	return drained, nil
}

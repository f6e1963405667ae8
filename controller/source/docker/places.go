package docker

import (
	"context"
	"maps"
	"time"

	"github.com/docker/docker/api/types/events"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/snapshot"
)

// places is what is known of where the gateways are.
type places struct {
	pins pins
	open bool      // a gateway that may run in a container was not found in one
	due  time.Time // when to look again; zero: not before the next full list
	last time.Time // when the last look began
	busy bool
}

// pin is where a gateway was found.
type pin struct {
	container  string // its id; "" when it is in no container
	attachment snapshot.Attachment
	at         time.Time // when this was last seen to be so
}

type pins map[v1.Gateway]pin

// located is the outcome of one look for all gateways.
type located struct {
	attachments snapshot.Attachments
	pins        pins
	open        bool
	unsure      bool // of some gateway nobody could say where it is
	err         error
}

func (p *places) copyPins() pins { return maps.Clone(p.pins) }

// gatewayEvent has the gateways looked for again when an event may have moved
// one: at once when it concerns a gateway's own container, and not too often
// when any container starts while a gateway has not been found.
func (c *session) gatewayEvent(id string, action events.Action) {
	p := &c.s.places
	now := time.Now()
	switch action {
	case events.ActionStart, events.ActionConnect, events.ActionDisconnect, events.ActionRename:
	default:
		return
	}
	for _, pin := range p.pins {
		if pin.container == id {
			p.due = now
			return
		}
	}
	if p.open && action != events.ActionDisconnect && p.due.IsZero() {
		p.due = now
		if next := p.last.Add(c.s.options.timing.relocate); next.After(now) {
			p.due = next
		}
	}
}

// relocate looks for the gateways when that is due, and returns when it will
// be; zero when it won't.
func (c *session) relocate(ctx context.Context, now time.Time) time.Time {
	p := &c.s.places
	if p.due.IsZero() || p.busy || c.loading {
		return time.Time{}
	}
	if now.Before(p.due) {
		return p.due
	}
	p.busy, p.due, p.last = true, time.Time{}, now
	known := p.copyPins()
	c.wg.Go(func() {
		l := c.relocated(ctx, known)
		select {
		case c.located <- l:
		case <-ctx.Done():
		}
	})
	return time.Time{}
}

func (c *session) relocated(ctx context.Context, known pins) located {
	nets, err := c.s.networks.list(ctx, c.conn.engine)
	if err != nil {
		return located{err: timely("list networks", err)}
	}
	l, err := c.s.locate(ctx, nets, known)
	l.err = err
	return l
}

// place takes in where the gateways are. When they could not be looked for,
// what is known stays, and the next look is not far.
func (c *session) place(l located) {
	p := &c.s.places
	p.busy = false
	if l.err != nil {
		p.due = time.Now().Add(c.s.options.timing.relocate)
		c.s.options.Logger.Warn("gateways could not be looked for", "error", l.err)
		return
	}
	if p.pins, p.open = l.pins, l.open; l.unsure {
		p.due = time.Now().Add(c.s.options.timing.relocate)
	}
	c.news = c.s.world.place(l.attachments) || c.news
}

package desired

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/ledger"
	"github.com/lockstep/lockstep/controller/snapshot"
	"github.com/lockstep/lockstep/internal/instant"
)

// drains says since when a container drains, as far as its sessions have an
// end: those of one that is paused, unhealthy or flapping may go on.
type drains struct {
	since time.Time     // zero: they may go on
	lasts time.Duration // 0: as its field drain says
}

// until returns when the sessions end, by the field drain of one of its services.
func (d drains) until(field time.Duration) time.Time {
	if d.since.IsZero() {
		return time.Time{}
	}
	if d.lasts == 0 {
		d.lasts = field
	}
	// Up, for a gateway counts whole seconds and none may be taken from a session.
	return d.since.Add(d.lasts + time.Second - 1).UTC().Truncate(time.Second)
}

// ErrNoInstance is returned for what is no container that counts.
var ErrNoInstance = errors.New("no container that counts")

// Instance returns the container that ref names: by its name, its id, or the
// beginning of its id, of at least four characters.
// With it come the names of the services that it is part of.
func (b *Builder) Instance(ref string) (snapshot.Instance, []string, error) {
	ref = strings.TrimPrefix(ref, "/") // as Docker shows names
	var found []*container
	for id, c := range b.containers {
		switch {
		case c.instance.Name == ref || id == ref:
			return c.instance, c.services(), nil
		case len(ref) >= 4 && strings.HasPrefix(id, ref):
			found = append(found, c)
		}
	}
	switch len(found) {
	case 0:
		if s := b.services[ref]; s != nil && len(s.members) > 0 {
			return snapshot.Instance{}, nil, fmt.Errorf("%w is called %q, which is a service; name its containers, one by one: %s", ErrNoInstance, ref, named(s.containers()))
		}
		return snapshot.Instance{}, nil, fmt.Errorf("%w is called %q; lockstep status lists them", ErrNoInstance, ref)
	case 1:
		return found[0].instance, found[0].services(), nil
	}
	return snapshot.Instance{}, nil, fmt.Errorf("%w is meant by %q alone: %d have ids that begin with it; write more of it", ErrNoInstance, ref, len(found))
}

// containers returns the names of the containers of a service, sorted.
func (s *service) containers() []string {
	var names []string
	for _, m := range s.members {
		names = append(names, m.container.instance.Name)
	}
	slices.Sort(names)
	return names
}

// services returns the names of the services that the container is part of.
func (c *container) services() []string {
	var names []string
	for i := range c.declared {
		names = append(names, c.declared[i].Service.Name)
	}
	return names
}

// Drain takes an instance out of service, by its id, or with nil back into
// service; the next Update draws the conclusions. It reports whether that is news.
func (b *Builder) Drain(id string, order *ledger.Drain) bool {
	have, drained := b.memory.Drains.Lookup(id)
	switch {
	case order == nil && !drained, order != nil && drained && have.For == order.For:
		return false
	case order == nil:
		b.memory.Drains.Delete(id)
	default:
		b.memory.Drains.Set(id, *order)
	}
	b.asked = append(b.asked, id)
	return true
}

// askedFor returns the containers of which a command said something, once.
func (b *Builder) askedFor() []string {
	ids := b.asked
	b.asked = nil
	return ids
}

// forgetDrains forgets the orders for containers that are gone.
func (b *Builder) forgetDrains(delta snapshot.Delta, gone []string) {
	present := func(id string) bool {
		return slices.ContainsFunc(delta.Changed, func(i snapshot.Instance) bool { return i.ID == id })
	}
	for id := range b.memory.Drains.Keys() {
		if slices.Contains(gone, id) || delta.Full && !present(id) {
			b.memory.Drains.Delete(id)
		}
	}
}

// drain turns a container that somebody has taken out of service into one that
// drains. What was said with a stop signal comes later, and counts.
func (b *Builder) drain(c *container) {
	order, drained := b.memory.Drains.Lookup(c.instance.ID)
	if !drained || c.instance.Stopping != "" {
		return
	}
	c.drains = drains{since: order.Since, lasts: order.For}
	if c.life == LifeStarting {
		return // it gets no traffic, and will drain when it could
	}
	c.life, c.reason = LifeDraining, v1.Draining
	c.message = fmt.Sprintf("taken out of service by %s at %s", order.By, instant.Text(order.Since))
	c.fix = "lockstep drain --undo " + c.instance.Name + " puts it back"
}

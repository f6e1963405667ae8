package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"golang.org/x/sync/errgroup"

	"github.com/lockstep/lockstep/controller/snapshot"
)

// load is one full list and what goes with it. An error leaves the rest
// meaningless: a partial list is none.
type load struct {
	began      time.Time
	containers []container.Summary
	located    located
	err        error
}

// load asks for a full list, the networks and the gateways' places, side by
// side. Only one is under way at a time.
func (c *session) load(ctx context.Context) {
	if c.loading {
		return
	}
	c.loading, c.relist = true, false
	began := time.Now()
	pins := c.s.places.copyPins()
	c.wg.Go(func() {
		l := c.ask(ctx, pins)
		l.began = began
		select {
		case c.loads <- l:
		case <-ctx.Done():
		}
	})
}

func (c *session) ask(ctx context.Context, pins pins) load {
	ctx, cancel := context.WithTimeout(ctx, c.s.options.timing.list)
	defer cancel()
	var l load
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		var err error
		l.containers, err = c.s.list(ctx, c.s.seen())
		return timely("list containers", err)
	})
	g.Go(func() error {
		nets, err := c.s.networks.list(ctx, c.conn.engine)
		if err != nil {
			return timely("list networks", err)
		}
		l.located, err = c.s.locate(ctx, nets, pins)
		return err
	})
	l.err = g.Wait()
	return l
}

// list asks for running and paused containers.
func (s *Source) list(ctx context.Context, f filters.Args) ([]container.Summary, error) {
	began := time.Now()
	all, err := s.conn.engine.ContainerList(ctx, container.ListOptions{Filters: f})
	s.metrics.request("list", err, began)
	return all, err
}

// seen filters a list by what is to be seen at all.
func (s *Source) seen() filters.Args {
	if s.options.ExposeAll || s.options.Strangers {
		return filters.NewArgs()
	}
	return filters.NewArgs(filters.Arg("label", s.enableLabel()))
}

// loaded takes in a list. What an event touched since a moment before the list
// began is left to its inspection: the list may be older than the event. So is whoever
// died and was not started since: Docker before 23 tells of a death, then clears away the
// network and the mounts, which takes seconds on a busy machine, and lists it as running
// until that is done.
func (c *session) loaded(l load) error {
	c.loading, c.settled = false, false
	if l.err != nil {
		return l.err
	}
	c.heard(time.Now())
	known := c.s.networks.known()
	listed := make(map[string]struct{}, len(l.containers))
	missed := 0
	for i := range l.containers {
		id := l.containers[i].ID
		listed[id] = struct{}{}
		if c.listed(l.containers[i], known, c.untouched(id, l.began) && !c.s.dead[id]) {
			missed++
		}
	}
	for _, id := range c.s.world.ids() {
		if _, ok := listed[id]; ok {
			continue
		}
		if !c.untouched(id, l.began) {
			c.await(id, nil)
		} else if c.put(id, nil, time.Time{}) {
			missed++
		}
		c.unmarkGone(id)
	}
	c.forget(listed, l.began)
	c.place(l.located)
	fresh := c.fresh
	c.fresh = false
	if missed > 0 && !fresh {
		c.s.metrics.missed.Add(float64(missed))
		return fmt.Errorf("%w (%d)", errDeaf, missed)
	}
	return nil
}

// listed publishes a container from its entry in a list, or has it inspected
// when the entry doesn't tell everything, or an event made it doubtful (not sure). It
// reports whether that was news.
func (c *session) listed(s container.Summary, known drivers, sure bool) bool {
	c.meet(s.ID, s.Labels)
	var f *facts
	if have, ok := c.s.facts[s.ID]; ok {
		f = &have
	}
	inst, ok, complete := fromList(s, f, known)
	c.s.stops.tell(&inst)
	switch {
	case c.strangers[s.ID] && ok && (!sure || !complete):
		c.sketch(inst, sure)
		return false
	case !sure:
		c.await(s.ID, nil)
		return false
	case !ok:
		return c.put(s.ID, nil, time.Time{})
	case !complete:
		c.await(s.ID, &inst)
		return false
	}
	return c.put(s.ID, &inst, time.Time{})
}

// sketch publishes what a list says of a stranger of which nothing is known yet, and has it
// inspected, with nobody waiting for that. After the first view, one that an event made doubtful
// is not published: it may be dead, and its address another's.
func (c *session) sketch(inst snapshot.Instance, sure bool) {
	if c.s.world.get(inst.ID) == nil && (sure || !c.s.State().Loaded) {
		inst.Partial = true
		c.put(inst.ID, &inst, time.Time{})
	}
	if !c.pending(inst.ID) {
		c.look(inst.ID, time.Time{})
	}
}

// untouched reports whether no event spoke of a container around or after the
// beginning of a list.
func (c *session) untouched(id string, began time.Time) bool {
	at, ok := c.touched[id]
	return !ok || at.Before(began.Add(-c.s.options.timing.settle))
}

// await has a container inspected before the view counts as whole. said is what
// the list knows of it, in case the inspection fails for good.
func (c *session) await(id string, said *snapshot.Instance) {
	c.awaited[id] = said
	if !c.pending(id) {
		c.look(id, time.Time{})
	}
}

// forget drops what is remembered of containers that are no more, and of
// events long before a list.
func (c *session) forget(listed map[string]struct{}, began time.Time) {
	for id := range c.touched {
		if c.untouched(id, began) {
			delete(c.touched, id)
		}
	}
	for id := range c.s.dead {
		if _, ok := listed[id]; !ok {
			delete(c.s.dead, id)
		}
	}
	for id := range c.s.facts {
		if _, ok := listed[id]; !ok && !c.pending(id) && c.s.world.get(id) == nil {
			delete(c.s.facts, id)
			delete(c.s.joined, id)
		}
	}
	for id := range c.strangers {
		if _, ok := listed[id]; !ok && !c.pending(id) && c.s.world.get(id) == nil {
			delete(c.strangers, id)
		}
	}
}

// unmarkGone forgets the stop of a container that is gone.
func (c *session) unmarkGone(id string) {
	if c.s.world.get(id) == nil && !c.pending(id) {
		c.unmark(id)
	}
}

// whole notes that a whole view is there: a list has come in and nothing that
// it left open is missing any more.
func (c *session) whole() {
	if c.fresh || len(c.awaited) > 0 || c.settled {
		return
	}
	c.settled = true
	if c.s.world.load() {
		c.news = true
	}
	if c.s.synced(time.Now(), len(c.troubles) == 0) {
		c.news = true
	}
}

// streamError names the end of an event stream.
func streamError(err error) error {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errEnded
	}
	return fmt.Errorf("event stream: %w", err)
}

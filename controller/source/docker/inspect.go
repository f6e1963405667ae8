package docker

import (
	"context"
	"errors"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"

	"github.com/lockstep/lockstep/controller/snapshot"
)

// inspection is one that is under way.
type inspection struct {
	seen  time.Time // the oldest event that asked for it
	again time.Time // the oldest event that came while it was under way
	more  bool      // there was such an event
	died  bool      // the container died meanwhile: the answer says nothing
}

// inspected is what came out of one.
type inspected struct {
	id    string
	inst  *snapshot.Instance // nil: no instance (gone, not running)
	facts *facts             // nil: gone
	joins string             // the container whose network stack it uses
	err   error
}

// look marks a container dirty. It will be inspected at once, or once more
// when it is being inspected just now.
func (c *session) look(id string, seen time.Time) {
	if i := c.inflight[id]; i != nil {
		if !i.more {
			i.more, i.again = true, seen
		}
		return
	}
	if r, ok := c.later[id]; ok { // an event is a reason not to wait any longer
		delete(c.later, id)
		seen = oldest(r.seen, seen)
	}
	if since, ok := c.dirty[id]; ok {
		if since.IsZero() {
			c.dirty[id] = seen
		}
		return
	}
	c.dirty[id] = seen
	if c.strangers[id] {
		c.behind = append(c.behind, id)
		return
	}
	c.queue = append(c.queue, id)
}

// oldest returns the earlier of two times, where zero is none.
func oldest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// pending reports whether a container is about to be inspected.
func (c *session) pending(id string) bool {
	_, dirty := c.dirty[id]
	_, later := c.later[id]
	return dirty || later || c.inflight[id] != nil
}

// dispatch starts inspections of the dirty containers, oldest first, as many
// side by side as the way to the Engine bears. Strangers come last, and leave half of it free.
func (c *session) dispatch(ctx context.Context) {
	c.queue = c.start(ctx, c.queue, c.conn.parallel)
	c.behind = c.start(ctx, c.behind, c.conn.parallel/2)
}

// start starts inspections until so many are under way, and returns whom it leaves.
func (c *session) start(ctx context.Context, queue []string, most int) []string {
	for len(queue) > 0 && len(c.inflight) < most {
		id := queue[0]
		queue = queue[1:]
		c.inflight[id] = &inspection{seen: c.dirty[id]}
		delete(c.dirty, id)
		c.wg.Go(func() {
			r := c.inspect(ctx, id)
			select {
			case c.results <- r:
			case <-ctx.Done():
			}
		})
	}
	if len(queue) == 0 {
		return nil // give the array back after a storm
	}
	return queue
}

// inspect asks the Engine for one container, and for the one whose network
// stack it uses if it does.
func (c *session) inspect(ctx context.Context, id string) inspected {
	ctx, cancel := context.WithTimeout(ctx, c.s.options.timing.call)
	defer cancel()
	r := inspected{id: id}
	own, err := c.inspectOne(ctx, id)
	if err != nil || own.ContainerJSONBase == nil {
		r.err = err
		return r
	}
	netOf := own
	if own.HostConfig != nil && own.HostConfig.NetworkMode.IsContainer() {
		r.joins = own.HostConfig.NetworkMode.ConnectedContainer()
		if netOf, err = c.inspectOne(ctx, r.joins); err != nil {
			r.err = err
			return r
		}
	}
	drivers, err := c.s.networks.covering(ctx, c.conn.engine, netOf)
	if err != nil {
		r.err = timely("list networks", err)
		return r
	}
	inst, f, ok := fromInspect(own, netOf, drivers)
	r.facts = &f
	if ok {
		r.inst = &inst
	}
	return r
}

// inspectOne returns an empty answer for a container that is not there.
func (c *session) inspectOne(ctx context.Context, id string) (container.InspectResponse, error) {
	answer, err := c.s.inspectAny(ctx, id)
	if errdefs.IsNotFound(err) {
		return container.InspectResponse{}, nil
	}
	if err != nil {
		return container.InspectResponse{}, timely("inspect container "+short(id), err)
	}
	return answer, nil
}

// inspected takes in an answer.
func (c *session) inspected(r inspected, now time.Time) {
	i := c.inflight[r.id]
	delete(c.inflight, r.id)
	if r.err != nil {
		c.failed(r, i, now)
		return
	}
	c.succeeded(r.id)
	c.heard(now)
	if r.facts == nil {
		delete(c.s.facts, r.id)
	} else {
		c.s.facts[r.id] = *r.facts
	}
	if i.more {
		c.look(r.id, i.again)
	}
	if !i.died { // else the answer may be of before the death
		c.take(r, i, now)
	}
	if !i.more {
		delete(c.awaited, r.id)
	}
}

// take publishes what an inspection found.
func (c *session) take(r inspected, i *inspection, now time.Time) {
	if r.inst == nil {
		c.unmark(r.id)
		delete(c.s.joined, r.id)
		c.put(r.id, nil, i.seen)
		return
	}
	delete(c.s.dead, r.id)
	if r.joins == "" {
		delete(c.s.joined, r.id)
	} else {
		c.s.joined[r.id] = r.joins
	}
	c.answered(r.id, *r.facts, now)
	c.s.stops.tell(r.inst)
	c.put(r.id, r.inst, i.seen)
}

// failed keeps what is known of the container and asks again a little later.
func (c *session) failed(r inspected, i *inspection, now time.Time) {
	if errors.Is(r.err, context.Canceled) {
		return // the session ends
	}
	c.tries[r.id]++
	wait := c.s.options.timing.backoff(c.tries[r.id])
	denied, say := errdefs.IsPermissionDenied(r.err), c.s.options.Logger.Warn
	if c.strangers[r.id] && !denied { // a refusal is of all containers, not of this one
		if c.tries[r.id] != hopeless {
			say = c.s.options.Logger.Debug
		}
	} else {
		c.troubles[r.id] = true
		c.news = c.s.trouble(c.conn.advise(r.err)) || c.news
	}
	say("container could not be inspected", "container", short(r.id), "error", r.err, "retry_in", wait)
	c.later[r.id] = retry{at: now.Add(wait), seen: i.seen}
	if c.tries[r.id] >= hopeless && !denied {
		c.giveUp(r.id)
	}
}

// hopeless is how often an inspection fails before the view counts as whole
// without it: one container that the Engine can't describe holds up no other.
const hopeless = 6

// giveUp publishes of a container what the list said, if nothing is known of
// it, and of a stranger that there is no more to it. Its inspection goes on being tried.
func (c *session) giveUp(id string) {
	known := c.s.world.get(id)
	if said := c.awaited[id]; said != nil && known == nil {
		c.put(id, said, time.Time{})
	}
	delete(c.awaited, id)
	if known != nil && known.Partial {
		said := *known
		said.Partial = false
		c.put(id, &said, time.Time{})
	}
}

// succeeded clears what earlier failures of a container have left.
func (c *session) succeeded(id string) {
	if _, ok := c.tries[id]; !ok {
		return
	}
	delete(c.tries, id)
	if !c.troubles[id] {
		return
	}
	if delete(c.troubles, id); len(c.troubles) == 0 {
		c.news = c.s.trouble(nil) || c.news
		c.relist = true // an Engine that was in trouble may have lost events, too
	}
}

// lookAtJoined marks the containers dirty that use another one's network stack.
func (c *session) lookAtJoined(owner string, seen time.Time) {
	for id, of := range c.s.joined {
		if of == owner {
			c.touch(id, seen)
			c.look(id, seen)
		}
	}
}

package docker

import (
	"fmt"
	"strings"
	"time"

	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"
)

// watched are the actions that say something about an instance. The Engine
// filters by them, which spares us every exec of every health check. There is
// no filter on labels: network events carry none.
var watched = []events.Action{
	events.ActionStart, events.ActionDie, events.ActionStop, events.ActionKill, events.ActionPause,
	events.ActionUnPause, events.ActionRename, events.ActionUpdate, events.ActionDestroy,
	events.ActionHealthStatus, events.ActionConnect, events.ActionDisconnect,
}

// subscription asks for the watched events, and for those that the Engine
// still remembers after a moment: a help against the gap of a reconnect, never
// the proof (it remembers 256 of all kinds).
func subscription(sinceNano int64) events.ListOptions {
	f := filters.NewArgs(
		filters.Arg("type", string(events.ContainerEventType)),
		filters.Arg("type", string(events.NetworkEventType)),
	)
	for _, a := range watched {
		f.Add("event", string(a))
	}
	return events.ListOptions{
		Since:   fmt.Sprintf("%d.%09d", sinceNano/int64(time.Second), sinceNano%int64(time.Second)),
		Filters: f,
	}
}

// event takes in one event. It never waits.
func (c *session) event(m events.Message) {
	now := time.Now()
	c.heard(now)
	c.s.last = max(c.s.last, m.TimeNano)
	c.s.metrics.event(m, now)
	switch m.Type {
	case events.ContainerEventType:
		if c.sees(m) {
			c.containerEvent(m, now)
		}
		c.gatewayEvent(m.Actor.ID, m.Action)
	case events.NetworkEventType:
		id := m.Actor.Attributes["container"]
		if id == "" || (m.Action != events.ActionConnect && m.Action != events.ActionDisconnect) {
			return
		}
		if c.s.world.get(id) != nil || c.pending(id) {
			c.touch(id, now)
			c.look(id, now)
		}
		c.lookAtJoined(id, now)
		c.gatewayEvent(id, m.Action)
	}
}

// sees reports whether an event concerns a container that we would see. Its
// attributes hold the container's labels, so this costs no request.
func (c *session) sees(m events.Message) bool {
	if !c.s.stranger(m.Actor.Attributes) {
		return true
	}
	if c.s.options.Strangers {
		c.meet(m.Actor.ID, m.Actor.Attributes)
		return true
	}
	return c.s.world.get(m.Actor.ID) != nil
}

// stranger reports whether labels don't make a container count.
func (s *Source) stranger(labels map[string]string) bool {
	_, labelled := labels[s.enableLabel()]
	return !labelled && !s.options.ExposeAll
}

// meet remembers whether a container is a stranger.
func (c *session) meet(id string, labels map[string]string) {
	if c.s.stranger(labels) {
		c.strangers[id] = true
	}
}

func (c *session) containerEvent(m events.Message, now time.Time) {
	id := m.Actor.ID
	action, _, _ := strings.Cut(string(m.Action), ":")
	switch events.Action(action) {
	case events.ActionStart:
		delete(c.s.dead, id)
		c.unmark(id)
		c.touch(id, now)
		c.look(id, now)
		c.lookAtJoined(id, now)
	case events.ActionDie:
		c.s.dead[id] = true
		c.touch(id, now)
		c.unmark(id)
		c.gone(id, now)
	case events.ActionDestroy:
		c.touch(id, now)
		c.unmark(id)
		c.gone(id, now)
		delete(c.s.facts, id)
		delete(c.s.joined, id)
	case events.ActionStop:
		// After a die, which said it all, unless that one was lost.
		if c.s.world.get(id) != nil {
			c.touch(id, now)
			c.look(id, now)
		}
	case events.ActionKill:
		c.kill(m, now)
	case events.ActionPause, events.ActionUnPause, events.ActionRename, events.ActionUpdate, events.ActionHealthStatus:
		c.touch(id, now)
		c.look(id, now)
	}
}

// gone removes a dead container at once: another one may get its address. What
// the Engine tells of the past, before the first list of a session, is looked
// at instead: the container may long since be back.
func (c *session) gone(id string, now time.Time) {
	if i := c.inflight[id]; i != nil {
		i.died = true
	}
	if c.fresh {
		c.look(id, now)
		return
	}
	c.put(id, nil, now)
}

// short is a container id as people write it.
func short(id string) string { return id[:min(12, len(id))] }

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
		if c.counts(m) {
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

// counts reports whether an event concerns a container that we would see. Its
// attributes hold the container's labels, so this costs no request.
func (c *session) counts(m events.Message) bool {
	if c.s.options.ExposeAll {
		return true
	}
	_, ok := m.Actor.Attributes[c.s.enableLabel()]
	return ok || c.s.world.get(m.Actor.ID) != nil
}

func (c *session) containerEvent(m events.Message, now time.Time) {
	id := m.Actor.ID
	action, _, _ := strings.Cut(string(m.Action), ":")
	switch events.Action(action) {
	case events.ActionStart:
		c.unmark(id)
		c.touch(id, now)
		c.look(id, now)
		c.lookAtJoined(id, now)
	case events.ActionDie:
		c.touch(id, now)
		c.unmark(id)
		c.gone(id, now)
	case events.ActionDestroy:
		c.touch(id, now)
		c.unmark(id)
		c.gone(id, now)
		delete(c.s.facts, id)
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

// kill marks a container whose stop begins. A signal that may be a reload is
// one unless it is the container's own stop signal, for which an inspection is
// needed once.
func (c *session) kill(m events.Message, now time.Time) {
	id := m.Actor.ID
	name := signalName(m.Actor.Attributes["signal"])
	if name == "" {
		// A label named "signal" hides it. A drain too many costs less than
		// requests that go to a container that is ending.
		name = "SIGTERM"
	}
	began := now
	if c.fresh {
		began = now.Add(-age(m, now)) // told from the Engine's memory
	}
	f, known := c.s.facts[id]
	switch {
	case alwaysStops(name):
	case !known:
		c.asked[id] = stop{signal: name, began: began}
		c.look(id, now)
		return
	case name != signalName(f.stopSignal):
		return
	}
	c.mark(id, name, began, now)
	if !known {
		c.look(id, now) // for its stop timeout
	}
}

// age is how long ago an event happened by the Engine's clock, within reason.
func age(m events.Message, now time.Time) time.Duration {
	return max(0, now.Sub(time.Unix(0, m.TimeNano)))
}

// mark puts a stop's mark on a container and shows it, unless it has fallen already.
func (c *session) mark(id, signal string, began, now time.Time) {
	lasts := defaultStopTimeout
	if f, ok := c.s.facts[id]; ok {
		lasts = f.stopTimeout
	}
	if lasts >= 0 {
		lasts += c.s.options.timing.stopGrace
	}
	if until := deadline(began, lasts); !until.IsZero() && until.Before(now) {
		return
	}
	c.s.stops.mark(id, signal, began, lasts)
	c.show(id, now)
}

// unmark forgets a stop; whoever calls shows the container anew.
func (c *session) unmark(id string) {
	delete(c.s.stops, id)
	delete(c.asked, id)
}

// show publishes a known instance again with the mark that it now has.
func (c *session) show(id string, seen time.Time) {
	old := c.s.world.get(id)
	if old == nil {
		return
	}
	inst := *old
	inst.Stopping = c.s.stops[id].signal
	c.put(id, &inst, seen)
}

// answered settles what an inspection was asked for beside the instance itself.
func (c *session) answered(id string, f facts, now time.Time) {
	if a, ok := c.asked[id]; ok {
		delete(c.asked, id)
		if a.signal == signalName(f.stopSignal) {
			c.mark(id, a.signal, a.began, now)
		}
	}
	lasts := f.stopTimeout
	if lasts >= 0 {
		lasts += c.s.options.timing.stopGrace
	}
	c.s.stops.time(id, lasts)
}

// fall lets the marks fall of containers that have outlived their stop, and
// returns when the next one does; zero when none will.
func (c *session) fall(now time.Time) time.Time {
	ids, next := c.s.stops.due(now)
	for _, id := range ids {
		c.s.options.Logger.Info("container survived its stop signal, it is ready again", "container", short(id))
		c.show(id, time.Time{})
	}
	return next
}

// short is a container id as people write it.
func short(id string) string { return id[:min(12, len(id))] }

package docker

import (
	"time"

	"github.com/docker/docker/api/types/events"

	"github.com/lockstep/lockstep/controller/snapshot"
)

// stop is the mark of a container whose end was seen to begin.
type stop struct {
	signal string
	began  time.Time
	until  time.Time // when the mark falls if the container still runs; zero: never
}

// stops are the marks by container id. They belong to the source, not to a
// session: a lost connection doesn't unmark anyone.
type stops map[string]stop

// mark notes that a stop began; a second signal keeps the first one's name and
// gives the container its time anew.
func (m stops) mark(id, signal string, began time.Time, lasts time.Duration) {
	if old, ok := m[id]; ok {
		signal = old.signal
	}
	m[id] = stop{signal: signal, began: began, until: deadline(began, lasts)}
}

// time corrects how long the mark lasts, once the container's stop timeout is known.
func (m stops) time(id string, lasts time.Duration) {
	if s, ok := m[id]; ok {
		s.until = deadline(s.began, lasts)
		m[id] = s
	}
}

// due removes and returns the ids whose mark falls, and says when the next one will.
func (m stops) due(now time.Time) (ids []string, next time.Time) {
	for id, s := range m {
		switch {
		case s.until.IsZero():
		case !now.Before(s.until):
			ids = append(ids, id)
			delete(m, id)
		case next.IsZero() || s.until.Before(next):
			next = s.until
		}
	}
	return ids, next
}

// tell writes the mark that a container has into its instance.
func (m stops) tell(i *snapshot.Instance) {
	s := m[i.ID]
	i.Stopping, i.StoppingSince = s.signal, s.began
}

func deadline(began time.Time, lasts time.Duration) time.Time {
	if lasts < 0 {
		return time.Time{}
	}
	return began.Add(lasts)
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
	c.s.stops.tell(&inst)
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
		if known := c.s.world.get(id); known != nil && !c.strangers[id] {
			c.s.options.Logger.Info("container survived its stop signal, it is ready again", "container", known.Name)
		}
		c.show(id, time.Time{})
	}
	return next
}

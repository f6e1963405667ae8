package docker

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/docker/docker/api/types/events"

	"github.com/lockstep/lockstep/controller/snapshot"
)

// session is one connection to the Engine: from a subscription to the moment
// when its stream is lost. One goroutine owns it; requests run in others and
// come back through channels.
type session struct {
	s    *Source
	conn connection
	poke func()
	wg   sync.WaitGroup

	dirty    map[string]time.Time // containers to inspect, and since which event
	queue    []string             // the same, oldest first, without strangers
	behind   []string             // and these
	inflight map[string]*inspection
	later    map[string]retry // inspections that failed
	tries    map[string]int   // how often in a row
	troubles map[string]bool  // the same containers, less strangers
	// strangers are seen without the label, by id: they count only if somebody else says so.
	strangers map[string]bool
	asked     map[string]stop // kills whose meaning an inspection will tell
	touched   map[string]time.Time
	// awaited are inspections without which the view is not whole, and what the
	// list has said of the container; nil where an event made that doubtful.
	awaited map[string]*snapshot.Instance

	fresh   bool // no list has come in yet: events may be of the past
	relist  bool // a full list is wanted before the next resync
	loading bool
	settled bool // the last list's view is whole
	silent  *time.Timer
	news    bool // something to take

	results chan inspected
	loads   chan load
	pings   chan error
	located chan located
}

// retry is an inspection that failed and will be tried again.
type retry struct{ at, seen time.Time }

// session subscribes, lists and follows until the stream is lost, and returns
// why. It leaves no goroutine behind.
func (s *Source) session(ctx context.Context, poke func()) error {
	ctx, cancel := context.WithCancel(ctx)
	c := &session{
		s: s, conn: s.conn, poke: poke, fresh: true,
		dirty: map[string]time.Time{}, inflight: map[string]*inspection{}, later: map[string]retry{},
		tries: map[string]int{}, troubles: map[string]bool{}, strangers: map[string]bool{}, asked: map[string]stop{}, touched: map[string]time.Time{}, awaited: map[string]*snapshot.Instance{},
		results: make(chan inspected), loads: make(chan load), pings: make(chan error), located: make(chan located),
	}
	s.places.busy = false // whoever was looking went with the last session
	defer c.wg.Wait()
	defer cancel()
	if err := c.ping(ctx); err != nil {
		return err
	}
	stream, ended, err := c.subscribe(ctx)
	if err != nil {
		return err
	}
	c.load(ctx)
	return c.follow(ctx, stream, ended)
}

// subscribe opens the event stream. A daemon that takes too long to begin its
// answer counts as unreachable.
func (c *session) subscribe(ctx context.Context) (<-chan events.Message, <-chan error, error) {
	ctx, cancel := context.WithCancel(ctx)
	timer := time.AfterFunc(c.s.options.timing.call, cancel)
	stream, ended := c.conn.engine.Events(ctx, subscription(c.s.since()))
	if !timer.Stop() {
		return nil, nil, fmt.Errorf("subscribe to events: %w", errSlow)
	}
	return stream, ended, nil
}

// follow is the session's loop. Each turn takes in one thing, starts what it
// asks for, and pokes if there is something to take.
func (c *session) follow(ctx context.Context, stream <-chan events.Message, ended <-chan error) error {
	t := c.s.options.timing
	c.silent = time.NewTimer(t.silence)
	resync := time.NewTicker(c.s.options.Resync)
	alarm := time.NewTimer(time.Hour)
	defer c.silent.Stop()
	defer resync.Stop()
	defer alarm.Stop()
	for {
		if c.relist {
			c.load(ctx)
		}
		c.dispatch(ctx)
		c.whole()
		c.tell()
		alarm.Reset(c.overdue(ctx, time.Now()))
		var err error
		select {
		case m := <-stream:
			c.event(m)
		case r := <-c.results:
			c.inspected(r, time.Now())
		case l := <-c.loads:
			err = c.loaded(l)
		case l := <-c.located:
			c.place(l)
		case <-resync.C:
			c.load(ctx)
		case <-c.silent.C:
			c.probe(ctx)
		case err = <-c.pings:
			c.silent.Reset(t.silence)
		case <-alarm.C: // overdue sees to it
		case err = <-ended:
			err = streamError(err)
		case <-ctx.Done():
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
	}
}

// overdue does what its time has come for, and returns how long nothing more is due.
func (c *session) overdue(ctx context.Context, now time.Time) time.Duration {
	next := c.fall(now)
	for id, r := range c.later {
		switch {
		case !now.Before(r.at):
			delete(c.later, id)
			c.look(id, r.seen)
			next = now
		case next.IsZero() || r.at.Before(next):
			next = r.at
		}
	}
	if at := c.relocate(ctx, now); !at.IsZero() && (next.IsZero() || at.Before(next)) {
		next = at
	}
	if c.news {
		next = now
	}
	if next.IsZero() {
		return time.Hour
	}
	return max(0, next.Sub(now))
}

// heard notes that the Engine is alive.
func (c *session) heard(time.Time) {
	if c.silent != nil {
		c.silent.Reset(c.s.options.timing.silence)
	}
}

// touch notes that an event or an inspection spoke of a container.
func (c *session) touch(id string, now time.Time) { c.touched[id] = now }

// put publishes a container's state, nil for none.
func (c *session) put(id string, inst *snapshot.Instance, seen time.Time) bool {
	changed := c.s.world.put(id, inst, seen)
	c.news = c.news || changed
	return changed
}

// tell pokes when there is something to take.
func (c *session) tell() {
	if !c.news || !c.s.State().Loaded {
		return
	}
	c.news = false
	c.s.metrics.instances.Set(float64(c.s.world.size()))
	c.poke()
}

// ping asks whether the Engine is there.
func (c *session) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.s.options.timing.call)
	defer cancel()
	began := time.Now()
	_, err := c.conn.engine.Ping(ctx)
	c.s.metrics.request("ping", err, began)
	return timely("ping", err)
}

// probe checks a stream that has been silent for long: nothing may have
// happened, or nobody may be there any more.
func (c *session) probe(ctx context.Context) {
	c.wg.Go(func() {
		err := c.ping(ctx)
		if err != nil {
			err = fmt.Errorf("%w: %w", errSilent, err)
		}
		select {
		case c.pings <- err:
		case <-ctx.Done():
		}
	})
}

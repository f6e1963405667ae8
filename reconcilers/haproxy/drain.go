package haproxy

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/lockstep/lockstep/reconcilers/haproxy/config"
)

// A draining server gets nothing new; what it has begun goes on until the end
// that the files give it ("# until"), and is ended then. Whoever looks afresh after that end
// and finds sessions sees a difference to what is desired, and the change ends them.
// Sessions in a worker that was replaced end with it (hard-stop-after).

// endCommands end the sessions that a server has past its end. It sees to it that
// somebody looks at the end of one that drains.
func (rt *runtime) endCommands(name string, s config.Server, overdue bool) []string {
	if !s.Drain || s.Until.IsZero() {
		return nil
	}
	if left := time.Until(s.Until); left > 0 || !overdue {
		rt.r.watched.later(max(left, 0))
		return nil
	}
	return []string{"shutdown sessions server " + name}
}

// findOverdue marks the draining servers that have sessions past their end, and
// sees to it that somebody looks again at the next end.
func (r *Reconciler) findOverdue(ctx context.Context) error {
	now := time.Now()
	suspects := map[string]*config.Backend{}
	for b := range r.model.Backends() {
		for i := range b.Servers {
			s := &b.Servers[i]
			switch {
			case !s.Drain || s.Until.IsZero():
			case now.Before(s.Until):
				r.watched.later(s.Until.Sub(now))
			case r.backends[b.Live()]:
				suspects[b.Name()] = b
			}
		}
	}
	if len(suspects) == 0 {
		return nil
	}
	return r.countSessions(ctx, now, suspects)
}

// countSessions asks how many sessions the servers of some backends have.
func (r *Reconciler) countSessions(ctx context.Context, now time.Time, suspects map[string]*config.Backend) error {
	names := slices.Sorted(maps.Keys(suspects))
	backends := make([]*config.Backend, len(names))
	for i, name := range names {
		backends[i] = suspects[name]
	}
	stats, err := r.stats(ctx, backends)
	if err != nil {
		return err
	}
	e := r.model.Edit()
	for i, name := range names {
		b := suspects[name]
		for _, s := range b.Servers {
			if s.Drain && !s.Until.IsZero() && !now.Before(s.Until) && stats[i][s.Name].Sessions > 0 {
				s.Overdue = true
				b = b.With(s)
				e.Keep(b)
			}
		}
	}
	e.Apply()
	return nil
}

package haproxy

import (
	"context"
	"maps"
	"slices"
	"time"
)

// A draining server gets nothing new; what it has begun goes on until the end
// that the files give it ("# until"), and is ended then. Whoever looks afresh after that end
// and finds sessions sees a difference to what is desired, and the change ends them.
// Sessions in a worker that was replaced end with it (hard-stop-after).

// endCommands end the sessions that a server has past its end. It sees to it that
// somebody looks at the end of one that drains.
func (rt *runtime) endCommands(name string, s server, overdue bool) []string {
	if !s.drain || s.until.IsZero() {
		return nil
	}
	if left := time.Until(s.until); left > 0 || !overdue {
		rt.r.watched.later(max(left, 0))
		return nil
	}
	return []string{"shutdown sessions server " + name}
}

// findOverdue marks the draining servers that have sessions past their end, and
// sees to it that somebody looks again at the next end.
func (r *Reconciler) findOverdue(ctx context.Context) error {
	now := time.Now()
	suspects := map[string]*backend{}
	for _, name := range r.model.order {
		for _, b := range r.model.sections[name].backends {
			for i := range b.servers {
				s := &b.servers[i]
				switch {
				case !s.drain || s.until.IsZero():
				case now.Before(s.until):
					r.watched.later(s.until.Sub(now))
				case r.backends[b.live()]:
					suspects[b.name()] = b
				}
			}
		}
	}
	if len(suspects) == 0 {
		return nil
	}
	return r.countSessions(ctx, now, suspects)
}

// countSessions asks how many sessions the servers of some backends have.
func (r *Reconciler) countSessions(ctx context.Context, now time.Time, suspects map[string]*backend) error {
	names := slices.Sorted(maps.Keys(suspects))
	backends := make([]*backend, len(names))
	for i, name := range names {
		backends[i] = suspects[name]
	}
	stats, err := r.stats(ctx, backends)
	if err != nil {
		return err
	}
	e := newEdit(r.o.Owner, r.model)
	for i, name := range names {
		b := suspects[name]
		for _, s := range b.servers {
			if s.drain && !s.until.IsZero() && !now.Before(s.until) && stats[i][s.name].Sessions > 0 {
				s.overdue = true
				b = b.with(s)
				e.of(b.service).backends[name] = b
			}
		}
	}
	r.model.put(e.sections())
	return nil
}

package controller

import (
	"math/rand/v2"
	"time"

	"github.com/lockstep/lockstep/reconcilers"
)

// next settles what a round leaves to be done. One that failed as a whole, or
// in part for a passing reason, is repeated over everything after a while;
// narrower rounds in between neither hasten that nor put it off.
func (w *worker) next(scope reconcilers.Scope, err error, retry bool) {
	w.down = err != nil
	switch {
	case !w.down && !retry && scope.All():
		w.failures, w.again = 0, time.Time{}
	case (w.down || retry) && (scope.All() || w.again.IsZero()):
		w.failures++
		w.again = time.Now().Add(backoff(w.failures))
	}
}

// overdue reports whether time has come to try everything again, or to let a
// held removal go.
func (w *worker) overdue(now time.Time) bool {
	wake := w.wakes()
	return !wake.IsZero() && !wake.After(now)
}

// wakes returns when a round over everything is due by time alone; zero when
// none is. A gateway that is down is asked for held removals with everything else.
func (w *worker) wakes() time.Time {
	wake := w.guard.Wake()
	if w.down || wake.IsZero() || !w.again.IsZero() && w.again.Before(wake) {
		return w.again
	}
	return wake
}

// idle returns how long the worker may wait when nobody pokes it.
func (w *worker) idle(now time.Time) time.Duration {
	wake := w.wakes()
	if wake.IsZero() {
		return time.Hour
	}
	return max(wake.Sub(now), time.Millisecond)
}

// backoff returns how long to wait after n failures in a row: from 100 ms
// doubling to 10 s, less up to a third at random so that daemons don't beat in time.
func backoff(n int) time.Duration {
	d := min(100*time.Millisecond<<min(n-1, 10), 10*time.Second)
	return d - time.Duration(rand.Int64N(int64(d/3)))
}

package haproxy

import (
	"context"
	"sync"
	"time"

	"github.com/lockstep/lockstep/reconcilers/haproxy/page"
	"github.com/lockstep/lockstep/reconcilers/haproxy/program"
)

// watched is what the goroutine of Watch shares with the others.
type watched struct {
	mu           sync.Mutex
	known        bool
	live         identity  // the worker that was last seen
	due          time.Time // when a change that waits may reload; zero when none does
	certificates string    // signature of the user's files, as they were last read
}

// see notes which worker is the one that we know.
func (r *Reconciler) see(id identity) {
	r.watched.mu.Lock()
	defer r.watched.mu.Unlock()
	r.watched.known, r.watched.live = true, id
}

// later asks for a round after d.
func (w *watched) later(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if at := time.Now().Add(d); w.due.IsZero() || at.Before(w.due) {
		w.due = at
	}
}

// take returns what is known, and whether a round is due.
func (w *watched) take(now time.Time) (id identity, known, due bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	due = !w.due.IsZero() && !now.Before(w.due)
	if due {
		w.due = time.Time{}
	}
	return w.live, w.known, due
}

// watchEvery is how often Watch looks who answers. A managed process that dies
// is noticed at once.
const watchEvery = 250 * time.Millisecond

// Watch implements reconcilers.Watcher. It pokes when the worker is not the
// one that we know: HAProxy died, was restarted, or reloaded by somebody else.
func (r *Reconciler) Watch(ctx context.Context, poke func()) error {
	r.watching.Store(true)
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	var mourners sync.WaitGroup
	defer mourners.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pages := page.Stamp(r.o.Errors)
	if len(r.o.CertificateFiles)+len(r.o.backendCAs)+len(r.o.clientFiles()) > 0 || r.o.Via.TLS != nil {
		mourners.Go(func() { r.watchCertificates(ctx, poke) })
	}
	silent, master := false, 0
	for {
		if r.process != nil {
			if pid := r.process.PID(); pid != master && pid != 0 {
				master = pid
				mourners.Go(func() {
					if program.Outlived(ctx, pid) {
						poke()
					}
				})
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case now := <-ticker.C:
			known, ok, due := r.watched.take(now)
			changed := false
			if ok {
				changed, silent = r.glance(ctx, known, silent)
			}
			if now := page.Stamp(r.o.Errors); now != pages {
				pages, changed = now, true
			}
			if due || changed {
				poke()
			}
		}
	}
}

// glance asks who answers, without touching what belongs to the other
// goroutine. A process that falls silent is news once, and so is one that is
// back. That one may still find commands before it which we gave up waiting for:
// after a while, when they are done, it is looked at once more.
func (r *Reconciler) glance(ctx context.Context, known identity, silent bool) (changed, silentNow bool) {
	apart := Reconciler{o: r.o}
	id, err := apart.peek(ctx)
	if err != nil {
		return !silent && known.pid != 0, true
	}
	if silent {
		r.watched.later(afterSilence)
	}
	return silent || id != known, false
}

// afterSilence is when a process that fell silent and is back is looked at again.
const afterSilence = time.Second

package haproxy

import (
	"context"
	"fmt"
	"net"
	"sync"
	"syscall"
	"time"
)

// watched is what the goroutine of Watch shares with the others.
type watched struct {
	mu    sync.Mutex
	known bool
	live  identity  // the worker that was last seen
	due   time.Time // when a change that waits may reload; zero when none does
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
	w.due = time.Now().Add(d)
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

// watchEvery is how often Watch looks who answers.
const watchEvery = 500 * time.Millisecond

// Watch implements reconcilers.Watcher. It pokes when the worker is not the
// one that we know: HAProxy died, was restarted, or reloaded by somebody else.
func (r *Reconciler) Watch(ctx context.Context, poke func()) error {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	gone := false // poked for a process that does not answer
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case now := <-ticker.C:
			known, ok, due := r.watched.take(now)
			if due {
				poke()
			}
			if !ok {
				continue
			}
			id, err := r.glance(ctx)
			switch {
			case err != nil && !gone && known.pid != 0:
				gone = true
				poke()
			case err == nil && (gone || id != known):
				gone = false
				poke()
			}
		}
	}
}

// glance asks who answers, without touching what belongs to the other goroutine.
func (r *Reconciler) glance(ctx context.Context) (identity, error) {
	apart := Reconciler{o: r.o}
	return apart.peek(ctx)
}

// listenerOf returns the pid of the process that listens on a unix socket.
func listenerOf(ctx context.Context, path string) (int, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", path)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	unix, ok := conn.(*net.UnixConn)
	if !ok {
		return 0, fmt.Errorf("%s is no unix socket", path)
	}
	raw, err := unix.SyscallConn()
	if err != nil {
		return 0, err
	}
	var credentials *syscall.Ucred
	var failed error
	if err := raw.Control(func(fd uintptr) {
		credentials, failed = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	}); err != nil {
		return 0, err
	}
	if failed != nil {
		return 0, failed
	}
	return int(credentials.Pid), nil
}

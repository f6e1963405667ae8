package haproxy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/lockstep/lockstep/internal/pause"
	"github.com/lockstep/lockstep/reconcilers/haproxy/bind"
	"github.com/lockstep/lockstep/reconcilers/haproxy/frontend"
)

// The states of condition.process.
const (
	processRuns    = "running"
	processStopped = "stopped"
	// processDeaf lives and serves, but its sockets are gone: somebody deleted
	// them. It can be told nothing any more, and is replaced as a whole.
	processDeaf = "without sockets"
)

// deaf reports whether our process runs and can't be reached ever again. One
// that is young may be about to make its sockets: then the error says so.
func (r *Reconciler) deaf(ctx context.Context) (bool, error) {
	lost, err := firstMissing(ctx, r.o.StatsSocket, r.o.MasterSocket)
	if err != nil || lost == "" {
		return false, err
	}
	pid := r.process.PID()
	if age, err := r.process.Age(); err == nil && age < r.limit {
		return false, fmt.Errorf("HAProxy (pid %d) runs, and its socket %s does not exist: it is starting, or the socket was deleted; if it is still missing %s after HAProxy began, Lockstep restarts it", pid, lost, r.limit)
	}
	r.o.Log.Debug("haproxy runs without its socket", "pid", pid, "socket", lost)
	return true, nil
}

// firstMissing returns the first of the paths that stays away; "" when all are there.
func firstMissing(ctx context.Context, paths ...string) (string, error) {
	const looks, apart = 3, 20 * time.Millisecond
	for _, path := range paths {
		for look := 1; ; look++ {
			_, err := os.Stat(path)
			if !errors.Is(err, os.ErrNotExist) {
				break // there, or in a state about which using it says more
			}
			if look == looks {
				return path, nil
			}
			if err := pause.For(ctx, apart); err != nil {
				return "", fmt.Errorf("look for socket %s: %w", path, err)
			}
		}
	}
	return "", nil
}

// giveWay makes a process that can't be told anything let go of its ports. It
// finishes by itself what is under way, hard-stop-after at the latest.
func (r *Reconciler) giveWay(ctx context.Context) error {
	pid := r.process.PID()
	r.o.Log.Warn("haproxy's sockets were deleted, replacing it; it finishes what is under way", "pid", pid)
	if err := syscall.Kill(pid, syscall.SIGUSR1); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("end HAProxy (pid %d), whose sockets were deleted: %w", pid, err)
	}
	ctx, cancel := context.WithTimeout(ctx, r.limit)
	defer cancel()
	for _, text := range bind.Lines(frontend.Open(r.base, r.model.Openings())) {
		b, err := bind.Parse(text)
		if err != nil {
			return err
		}
		for b.Probe() != nil && r.ownPorts()[b.Port] {
			if err := pause.For(ctx, time.Millisecond); err != nil {
				return fmt.Errorf("HAProxy (pid %d), whose sockets were deleted, keeps %s: %w; end that process", pid, text, err)
			}
		}
	}
	return nil
}

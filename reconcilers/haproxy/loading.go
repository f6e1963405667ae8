package haproxy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/lockstep/lockstep/internal/pause"
	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/haproxy/program"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
	"github.com/lockstep/lockstep/reconcilers/haproxy/socket"
)

// loading is one attempt of HAProxy to take over the files.
type loading struct {
	r          *Reconciler
	generation string   // what the new worker must have loaded
	old        identity // the worker that must give way; zero at a start
	before     socket.Loads
	asked      time.Time
	done       bool // the master said that it worked, as it does from 2.7 on
}

const (
	// loadLimit is how long HAProxy may take to load its files.
	loadLimit = 15 * time.Second
	// doubtAfter is how long a reload may show no effect until the master is
	// asked about it: one that comes while the master replaces itself is lost.
	doubtAfter = 200 * time.Millisecond
)

// reload tells the master to load the files again. From 2.7 on it answers when
// it has, or says why it could not; before, it answers at once and with nothing,
// and only looking tells.
func (l *loading) reload(ctx context.Context) error {
	r := l.r
	if r.process != nil {
		r.process.TrimLog()
	}
	var err error
	if l.before, err = r.loads(ctx); err != nil {
		return err
	}
	return l.ask(ctx)
}

func (l *loading) ask(ctx context.Context) error {
	answer, err := socket.Reload(ctx, l.r.o.MasterSocket, l.r.limit)
	if err != nil {
		return err
	}
	if strings.Contains(answer, "Success=0") {
		return fmt.Errorf("HAProxy refused the reload: %s", program.Complaint([]byte(answer)))
	}
	l.asked, l.done = time.Now(), strings.Contains(answer, "Success=1")
	return nil
}

// await waits until a worker other than the old one answers that has loaded
// the generation.
func (l *loading) await(ctx context.Context) (identity, error) {
	r := l.r
	end := time.Now().Add(r.limit)
	ctx, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	var last error
	for wait := time.Millisecond; ; wait = min(wait*2, 8*time.Millisecond) {
		id, err := r.peek(ctx)
		switch {
		case err != nil && ctx.Err() == nil && time.Now().Before(end): // else it only says that time is up
			last = err
		case err == nil && id.generation == l.generation && id.pid != l.old.pid:
			return id, nil
		case err == nil && id.pid != l.old.pid:
			last = fmt.Errorf("the process that answers on %s does not load the directory %s: start HAProxy with -f %s after its other files", r.o.StatsSocket, r.o.Dir, r.o.Dir)
			if l.done {
				return identity{}, last
			}
		case err == nil:
			last = errors.New("the old worker still answers")
		}
		if err := l.doubt(ctx); err != nil {
			return identity{}, err
		}
		if err := pause.For(ctx, wait); err != nil {
			return identity{}, fmt.Errorf("HAProxy has not loaded %s: %w", r.dir.File(disk.Config), last)
		}
	}
}

// doubt looks for signs that waiting is in vain.
func (l *loading) doubt(ctx context.Context) error {
	r := l.r
	if r.process != nil {
		if err := r.process.Ended(); err != nil {
			return err
		}
	}
	if l.asked.IsZero() || l.done || time.Since(l.asked) < doubtAfter {
		return nil
	}
	now, err := r.loads(ctx)
	if err != nil {
		return nil //nolint:nilerr // it may be replacing itself; await has a limit
	}
	l.asked = time.Now()
	switch {
	case now.Failed > l.before.Failed:
		words := "HAProxy's log says why"
		if r.process != nil {
			words = r.process.LastWords()
		}
		return fmt.Errorf("HAProxy could not load %s though haproxy -c accepts it; the old worker goes on: %s", r.dir.File(disk.Config), words)
	case now == l.before:
		r.o.Log.Debug("haproxy lost a reload, asking again")
		return l.ask(ctx)
	}
	return nil
}

// handover tells the workers that were replaced to pass on what still comes
// over connections that their clients keep: they can't be told of servers that
// come and go any more. One that only looks tells them nothing, and one who was
// told already is not told again. What fails here only leaves them as they are
// until the next time.
func (r *Reconciler) handover(ctx context.Context) {
	pids, err := r.oldWorkers(ctx)
	if err != nil {
		r.o.Log.Debug("old workers of haproxy are not known", "error", err)
		return
	}
	old, secret := map[int]bool{}, ""
	if len(pids) > 0 { // the new worker must know the secret, also of those that were told it long ago
		if secret, err = r.vouch(ctx); err != nil {
			r.o.Log.Debug("old workers of haproxy can't vouch for clients", "error", err)
			secret = ""
		}
	}
	for _, pid := range pids {
		if old[pid] = r.handed[pid]; old[pid] {
			continue
		}
		if old[pid], err = r.handOver(ctx, pid, cmp.Or(secret, "1")); err != nil {
			r.o.Log.Debug("an old worker of haproxy is not reached", "pid", pid, "error", err)
		}
	}
	r.handed = old
}

// oldWorkers returns the pids of the workers that were replaced and still have
// something to finish.
func (r *Reconciler) oldWorkers(ctx context.Context) ([]int, error) {
	return socket.OldWorkers(ctx, r.o.MasterSocket, r.o.Timeout)
}

// askWorker runs one command in the worker with that pid.
func (r *Reconciler) askWorker(ctx context.Context, pid int, command string) (string, error) {
	return socket.Worker(ctx, r.o.MasterSocket, pid, command, r.o.Timeout)
}

// handOver reports whether an old worker passes everything on, and sees to it
// that it does. secret is what it vouches by, or any word.
func (r *Reconciler) handOver(ctx context.Context, pid int, secret string) (bool, error) {
	answer, err := r.askWorker(ctx, pid, fmt.Sprintf("get map %s %s", r.dir.File(disk.Routes), routemap.Handover))
	switch {
	case err != nil:
		return false, err
	case strings.Contains(answer, "found=yes"):
		return true, nil
	case !strings.Contains(answer, "found=no"): // it has not loaded our files
		return false, fmt.Errorf("it answers %q", socket.FirstLine(answer))
	case !r.keeper():
		return false, nil
	}
	r.metrics.commands.WithLabelValues("add map").Inc()
	_, err = r.askWorker(ctx, pid, fmt.Sprintf("add map %s %s %s", r.dir.File(disk.Routes), routemap.Handover, secret))
	return err == nil, err
}

// loads asks the master how often it has loaded its files.
func (r *Reconciler) loads(ctx context.Context) (socket.Loads, error) {
	return socket.ShowLoads(ctx, r.o.MasterSocket, r.o.Timeout)
}

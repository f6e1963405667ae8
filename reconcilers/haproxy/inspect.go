package haproxy

import (
	"context"
	"errors"
	"fmt"

	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/haproxy/config"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
	"github.com/lockstep/lockstep/reconcilers/haproxy/socket"
)

// Inspect implements reconcilers.Inspector. Sessions are those in the process that
// runs and in every worker that was replaced and has still something to finish.
func (r *Reconciler) Inspect(ctx context.Context, service string) (map[string]reconcilers.Live, error) {
	if !r.known {
		return nil, errors.New("HAProxy was not looked at yet")
	}
	known := map[string]reconcilers.Live{}
	section := r.model.Section(service)
	if section == nil {
		return known, nil
	}
	if err := r.inspectNow(ctx, section, known); err != nil {
		return nil, err
	}
	old, err := r.oldWorkers(ctx)
	if err != nil {
		return nil, err
	}
	for _, pid := range old {
		if err := r.inspectOld(ctx, pid, section, known); err != nil {
			return nil, err
		}
	}
	return known, nil
}

// inspectNow notes what the worker that takes requests knows.
func (r *Reconciler) inspectNow(ctx context.Context, s *config.Section, known map[string]reconcilers.Live) error {
	var asked []*config.Backend
	for _, b := range s.Backends {
		if r.backends[b.Live()] {
			asked = append(asked, b)
		}
	}
	stats, err := r.stats(ctx, asked)
	if err != nil {
		return err
	}
	for i, b := range asked {
		for _, server := range b.Servers {
			stat, live := stats[i][server.Name], known[server.ID]
			live.Sessions += stat.Sessions
			live.State = stat.State
			if !server.Drain {
				live.Down, live.Fix = stat.Down, stat.Fix
			}
			known[server.ID] = live
		}
	}
	return nil
}

// inspectOld adds the sessions in a worker that was replaced. It may know none of
// the backends, or be gone by now.
func (r *Reconciler) inspectOld(ctx context.Context, pid int, s *config.Section, known map[string]reconcilers.Live) error {
	for _, b := range s.Backends {
		answer, err := r.askWorker(ctx, pid, socket.ShowStat(routemap.Backend(r.o.Owner, b.Live())))
		if err != nil {
			return fmt.Errorf("old worker %d: %w", pid, err)
		}
		stats, err := socket.ParseStat(answer)
		if err != nil {
			continue // it does not know the backend
		}
		for _, server := range b.Servers {
			live := known[server.ID]
			live.Sessions += stats[server.Name].Sessions
			known[server.ID] = live
		}
	}
	return nil
}

// stats asks the process about some of its backends. What servers have said to a
// check is among the answers.
func (r *Reconciler) stats(ctx context.Context, backends []*config.Backend) ([]map[string]socket.Stat, error) {
	out := make([]map[string]socket.Stat, len(backends))
	for i, b := range backends {
		command := socket.ShowStat(routemap.Backend(r.o.Owner, b.Live()))
		answer, err := socket.AskAlone(ctx, r.o.StatsSocket, command, r.o.Timeout)
		if err == nil {
			out[i], err = socket.ParseStat(answer)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", command, err)
		}
	}
	return out, nil
}

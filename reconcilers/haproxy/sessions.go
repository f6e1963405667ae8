package haproxy

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Sessions implements reconcilers.Counter. It asks the process that runs and
// every worker that was replaced and has still something to finish.
func (r *Reconciler) Sessions(ctx context.Context, service string) (map[string]int, error) {
	if !r.known {
		return nil, errors.New("HAProxy was not looked at yet")
	}
	section := r.model.sections[service]
	if section == nil {
		return map[string]int{}, nil
	}
	counts := map[string]int{}
	if err := r.sessionsNow(ctx, section, counts); err != nil {
		return nil, err
	}
	old, err := r.oldWorkers(ctx)
	if err != nil {
		return nil, err
	}
	for _, pid := range old {
		if err := r.sessionsBefore(ctx, pid, section, counts); err != nil {
			return nil, err
		}
	}
	return counts, nil
}

// sessionsNow adds the sessions in the worker that takes requests.
func (r *Reconciler) sessionsNow(ctx context.Context, s *section, counts map[string]int) error {
	var asked []*backend
	var commands []string
	for _, b := range s.backends {
		if r.backends[b.live()] {
			asked = append(asked, b)
			commands = append(commands, sessionsCommand(r.o.Owner, b))
		}
	}
	if len(commands) == 0 {
		return nil
	}
	session, err := dial(ctx, r.o.StatsSocket, r.o.Timeout)
	if err != nil {
		return err
	}
	defer session.close()
	answers, err := session.send(commands)
	if err != nil {
		return err
	}
	for i, b := range asked {
		b.addSessions(counts, answers[i])
	}
	return nil
}

// sessionsBefore adds the sessions in a worker that was replaced. It may know none
// of the backends, or be gone by now.
func (r *Reconciler) sessionsBefore(ctx context.Context, pid int, s *section, counts map[string]int) error {
	for _, b := range s.backends {
		answer, err := r.askWorker(ctx, pid, sessionsCommand(r.o.Owner, b))
		if err != nil {
			return fmt.Errorf("old worker %d: %w", pid, err)
		}
		b.addSessions(counts, answer)
	}
	return nil
}

func sessionsCommand(owner string, b *backend) string {
	return "show servers conn " + backendName(owner, b.live())
}

// addSessions adds what an answer to sessionsCommand says of the backend's servers.
func (b *backend) addSessions(counts map[string]int, answer string) {
	used := parseUsed(answer)
	for i := range b.servers {
		if n := used[b.servers[i].name]; n > 0 {
			counts[b.servers[i].id] += n
		}
	}
}

// parseUsed reads from the answer to "show servers conn BACKEND" how many
// connections each server has in use. Its lines are: BACKEND/SERVER, ids,
// address, port, "-", purge delay, in use, …
func parseUsed(answer string) map[string]int {
	used := map[string]int{}
	for line := range strings.Lines(answer) {
		words := strings.Fields(line)
		if len(words) < 7 || words[0] == "#" {
			continue
		}
		_, name, _ := strings.Cut(words[0], "/")
		if n, err := strconv.Atoi(words[6]); err == nil {
			used[name] = n
		}
	}
	return used
}

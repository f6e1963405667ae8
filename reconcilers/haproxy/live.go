package haproxy

import (
	"context"
	"fmt"
	"strings"

	"github.com/lockstep/lockstep/reconcilers/haproxy/config"
	"github.com/lockstep/lockstep/reconcilers/haproxy/crt"
	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/haproxy/frontend"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
	"github.com/lockstep/lockstep/reconcilers/haproxy/socket"
)

// identity tells one worker from another, and which files it has loaded.
type identity struct {
	pid        int
	generation string // "" when it has not loaded our directory
}

// identify asks the worker at the other end of a session who it is.
func (r *Reconciler) identify(s *socket.Session) (identity, error) {
	answers, err := s.Send([]string{"show info", "get var " + frontend.GenerationVariable(r.o.Owner)})
	if err != nil {
		return identity{}, err
	}
	info, ok := socket.ParseInfo(answers[0])
	if info.Version != "" {
		r.version = info.Version
	}
	id := identity{pid: info.PID, generation: socket.ParseVar(answers[1])}
	if !ok {
		return id, fmt.Errorf("socket %s answered %q to \"show info\": this is no HAProxy stats socket of level admin", r.o.StatsSocket, socket.FirstLine(answers[0]))
	}
	if err := newEnough(r.version); err != nil {
		return id, err
	}
	return id, nil
}

// world is everything of ours that a process holds.
type world struct {
	identity
	backends map[string]bool
	servers  map[string][]socket.Server // by backend, without the owner's prefix
	routes   map[string]string
	patterns []string            // in their order; nil when patterns.map is not in use
	hosts    map[string]bool     // nil when hosts.map is not in use
	certs    map[string]crt.Live // by file; nil when the list is not in use
}

// look reads the process.
func (r *Reconciler) look(ctx context.Context) (world, error) {
	w := world{backends: map[string]bool{}, servers: map[string][]socket.Server{}, routes: map[string]string{}}
	s, err := socket.Dial(ctx, r.o.StatsSocket, r.o.Timeout)
	if err != nil {
		return w, err
	}
	defer s.Close()
	if w.identity, err = r.identify(s); err != nil {
		return w, err
	}
	answers, err := s.Send([]string{
		"show backend", "show servers state",
		"show map " + r.dir.File(disk.Routes), "show map " + r.dir.File(disk.Hosts),
		"show map " + r.dir.File(disk.Patterns),
	})
	if err != nil {
		return w, err
	}
	prefix := r.o.Owner + ":"
	for line := range strings.Lines(answers[0]) {
		if name, ours := strings.CutPrefix(strings.TrimSpace(line), prefix); ours {
			w.backends[name] = true
		}
	}
	for line := range strings.Lines(answers[1]) {
		backend, s, ok := socket.ParseServer(line, prefix)
		if ok && (!strings.HasPrefix(backend, ":") || config.IsSpare(backend)) { // the other ones are no service's, ever
			w.servers[backend] = append(w.servers[backend], s)
		}
	}
	if routes, ok := socket.ParseMap(answers[2]); ok {
		w.routes = routes
	}
	delete(w.routes, routemap.Proof) // in no file, and no business of the routes'
	if hosts, ok := socket.ParseMap(answers[3]); ok {
		w.hosts = map[string]bool{}
		for key := range hosts {
			w.hosts[key] = true
		}
	}
	w.patterns = socket.ParseOrderedMap(answers[4])
	w.certs, err = crt.Look(r.dir, s)
	return w, err
}

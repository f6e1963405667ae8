package haproxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// identity tells one worker from another, and which files it has loaded.
type identity struct {
	pid        int
	generation string // "" when it has not loaded our directory
}

// identify asks the worker at the other end of a session who it is.
func (r *Reconciler) identify(s *session) (identity, error) {
	answers, err := s.send([]string{"show info", "get var " + genVariable(r.o.Owner)})
	if err != nil {
		return identity{}, err
	}
	var id identity
	for line := range strings.Lines(answers[0]) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch name {
		case "Pid":
			id.pid, err = strconv.Atoi(value)
		case "Version":
			r.version = value
		}
	}
	if err != nil || id.pid == 0 {
		return id, fmt.Errorf("socket %s answered %q to \"show info\": this is no HAProxy stats socket of level admin", s.path, firstLine(answers[0]))
	}
	if _, value, ok := strings.Cut(answers[1], "value=<"); ok {
		id.generation = strings.TrimSuffix(value, ">")
	}
	if err := newEnough(r.version); err != nil {
		return id, err
	}
	return id, nil
}

// liveServer is a server as the process has it.
type liveServer struct {
	name    string
	address string
	weight  int
	admin   int
}

// Bits of srv_admin_state. 0x04 says only that a server began in maintenance,
// and stays when it has left it.
const (
	adminMaint = 0x01 | 0x02 | 0x20 | 0x40
	adminDrain = 0x08 | 0x10
)

// world is everything of ours that a process holds.
type world struct {
	identity
	backends map[string]bool
	servers  map[string][]liveServer // by backend, without the owner's prefix
	routes   map[string]string
	patterns []string                   // in their order; nil when patterns.map is not in use
	hosts    map[string]bool            // nil when hosts.map is not in use
	certs    map[string]liveCertificate // by file; nil when the list is not in use
}

// look reads the process.
func (r *Reconciler) look(ctx context.Context) (world, error) {
	w := world{backends: map[string]bool{}, servers: map[string][]liveServer{}, routes: map[string]string{}}
	s, err := dial(ctx, r.o.StatsSocket, r.o.Timeout)
	if err != nil {
		return w, err
	}
	defer s.close()
	if w.identity, err = r.identify(s); err != nil {
		return w, err
	}
	answers, err := s.send([]string{
		"show backend", "show servers state",
		"show map " + r.dir.file(mapName), "show map " + r.dir.file(hostsName),
		"show map " + r.dir.file(patternsName),
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
		if backend, srv, ok := parseState(line, prefix); ok {
			w.servers[backend] = append(w.servers[backend], srv)
		}
	}
	w.routes = parseMap(answers[2])
	delete(w.routes, flagProof) // in no file, and no business of the routes'
	if !unknownMap(answers[3]) {
		w.hosts = map[string]bool{}
		for key := range parseMap(answers[3]) {
			w.hosts[key] = true
		}
	}
	w.patterns = parsePatterns(answers[4])
	w.certs, err = r.dir.lookAtCertificates(s)
	return w, err
}

// parseState reads a line of "show servers state" when it is about one of ours.
func parseState(line, prefix string) (backend string, srv liveServer, ok bool) {
	words := strings.Fields(line)
	if len(words) < 19 || !strings.HasPrefix(words[1], prefix) {
		return "", srv, false
	}
	backend = words[1][len(prefix):]
	if strings.HasPrefix(backend, ":") && !isSpare(backend) { // no service's, ever
		return "", srv, false
	}
	srv.name, srv.address = words[3], net.JoinHostPort(words[4], words[18])
	var wrong error
	for _, field := range []struct {
		into *int
		text string
	}{{&srv.admin, words[6]}, {&srv.weight, words[7]}} {
		value, err := strconv.Atoi(field.text)
		wrong = errors.Join(wrong, err)
		*field.into = value
	}
	return backend, srv, wrong == nil
}

// parseMap reads the answer to "show map": lines of reference, key and value.
func parseMap(answer string) map[string]string {
	entries := map[string]string{}
	if unknownMap(answer) {
		return entries
	}
	for line := range strings.Lines(answer) {
		if words := strings.Fields(line); len(words) >= 2 {
			entries[words[1]] = strings.Join(words[2:], " ")
		}
	}
	return entries
}

// parsePatterns reads the same where the order counts; nil when there is no such map.
func parsePatterns(answer string) []string {
	if unknownMap(answer) {
		return nil
	}
	lines := []string{}
	for line := range strings.Lines(answer) {
		if words := strings.Fields(line); len(words) >= 2 {
			lines = append(lines, strings.Join(words[1:], " "))
		}
	}
	return lines
}

func unknownMap(answer string) bool { return strings.HasPrefix(answer, "Unknown map") }

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

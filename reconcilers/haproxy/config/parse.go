package config

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lockstep/lockstep/reconcilers/haproxy/charset"
	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/haproxy/frontend"
	"github.com/lockstep/lockstep/reconcilers/haproxy/native"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
	"github.com/lockstep/lockstep/reconcilers/haproxy/setting"
)

// Parse reads back what Render and the routemap.Table wrote. Whatever it
// does not understand it leaves out; the caller renders the result again and
// sees from the difference that the files are not as we left them.
func Parse(owner string, files map[string][]byte, routes []byte) *Model {
	m := New(owner)
	base, openings, ok := frontend.Parse(string(files[disk.Config]), owner)
	if !ok {
		return m
	}
	m.openings = openings
	m.Rebase(base)
	e := m.Edit()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if name != disk.Config && name != disk.Native {
			parseBackends(e, owner, name, string(files[name]))
		}
	}
	m.restrictions = map[string]*routemap.Restriction{}
	for line := range strings.Lines(string(routes)) {
		if n, ok := routemap.ParseRestriction(line); ok {
			m.restrictions[n.Name] = n
		}
		if r, ok := routemap.ParseRoute(owner, line); ok {
			e.of(r.Service).routes[r.Name] = r
		}
	}
	e.Apply()
	m.natives = native.Parse(string(files[disk.Native]))
	return m
}

// parseBackends reads a file. A prepared backend counts once, and in its own
// file alone.
func parseBackends(e *Edit, owner, file, text string) {
	var current *Backend
	seen := map[string]bool{}
	keep := func() {
		if current != nil && (current.Spare == "" || !seen[current.Spare] && File(current.Spare) == file) {
			seen[current.Spare] = true
			slices.SortFunc(current.Servers, func(a, b Server) int { return cmp.Compare(a.Name, b.Name) })
			e.of(current.Service).backends[current.Name()] = current
		}
	}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case words[0] == "backend" && len(words) > 1:
			keep()
			current = parseHead(owner, words)
		case current == nil:
		case strings.TrimSpace(line) == retiredMark:
			current.Retired = true
		case words[0] == "#":
			current.Parse(strings.TrimSpace(line))
		case words[0] == "server" && len(words) >= 5:
			current.Servers = append(current.Servers, parseServer(words))
		}
	}
	keep()
}

// parseHead reads: backend OWNER:NAME from DEFAULTS [# service NAME], and
// returns nil when that is none of ours.
func parseHead(owner string, words []string) *Backend {
	name, ours := strings.CutPrefix(words[1], owner+":")
	switch {
	case !ours:
		return nil
	case IsSpare(name):
		b := &Backend{Spare: name, Settings: poolOf(name).settings}
		if len(words) > 6 && charset.Service.Check(words[6]) == nil {
			b.Service = words[6]
		}
		return b
	case strings.HasPrefix(name, ":"):
		return nil
	}
	return &Backend{Service: ServiceOf(name), Settings: setting.Default}
}

// parseServer reads: server NAME ADDRESS weight N OPTIONS… [# draining N [# until N]] [# id ID].
// A number that somebody spoilt reads as 0: the model does not say what the file does then
// (Says), and the file is written anew.
func parseServer(words []string) Server {
	s := Server{Name: words[1], ID: words[1], Address: words[2]}
	s.Weight, _ = strconv.Atoi(words[4])
	start := slices.Index(words, "#")
	if start < 0 {
		start = len(words)
	}
	for i, option := range words[5:start] {
		switch option {
		case "maxconn":
			s.MaxConn, _ = strconv.Atoi(words[min(5+i+1, len(words)-1)])
		case "backup":
			s.Backup = true
		}
	}
	for i := start; i+2 < len(words); i += 3 {
		switch words[i+1] {
		case "draining":
			s.Drain = true
			s.Weight, _ = strconv.Atoi(words[i+2])
		case "until":
			if seconds, err := strconv.ParseInt(words[i+2], 10, 64); err == nil {
				s.Until = time.Unix(seconds, 0).UTC()
			}
		case "id":
			s.ID = words[i+2]
		}
	}
	return s
}

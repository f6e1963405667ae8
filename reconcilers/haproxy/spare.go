package haproxy

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// HAProxy gets a new backend by a reload only. So that a brand-new service
// needs none, backends of default options are prepared, all alike: a service
// takes one (assign), and HAProxy knows it by that name from then on. Which
// service has which stands in the backend's own line of our files, and nowhere
// else (not in the ledger either): the record can't disagree with what HAProxy
// loads, is replaced in one step with the servers, and outlives whoever is killed.
//
// In the model the prepared backends that nobody has are those of the service
// "". One that was used once is not given to another service before the next
// reload: requests that wait in it, or are about to be tried again, would reach
// a stranger.

// sparePrefix begins their names. Service names hold no colon.
const sparePrefix = ":spare"

// lastSpare is the highest number that their names and files have room for.
const lastSpare = 99_999

func spareName(i int) string { return fmt.Sprintf("%s%05d", sparePrefix, i) }

func isSpare(name string) bool {
	_, ok := spareNumber(name)
	return ok
}

// spareNumber returns the number of a prepared backend.
func spareNumber(name string) (int, bool) {
	n, err := strconv.Atoi(strings.TrimPrefix(name, sparePrefix))
	return n, err == nil && 0 < n && n <= lastSpare && name == spareName(n)
}

// standard reports whether a prepared backend can stand for this one.
func (b *backend) standard() bool {
	return b.settings == defaultSettings
}

// live returns the name that the backend has in HAProxy, without the owner's prefix.
func (b *backend) live() string {
	if b.spare != "" {
		return b.spare
	}
	return b.name()
}

// backendOf returns the backend that an object names, or nil.
func (m *model) backendOf(name string) *backend {
	return m.sections[serviceOf(name)].backend(name)
}

// live returns the name that a backend has in HAProxy, without the owner's prefix.
func (m *model) live(name string) string {
	if b := m.backendOf(name); b != nil {
		return b.live()
	}
	return name
}

// putSpares takes over the prepared backends of edits, in whichever section
// they were and are.
func (m *model) putSpares(edits map[string]*section) {
	was := map[string]text{}
	for name := range edits {
		if have := m.sections[name]; have != nil {
			maps.Copy(was, have.spares)
		}
	}
	for name := range was {
		delete(m.spares, name)
	}
	for _, s := range edits {
		if s == nil {
			continue
		}
		for name, is := range s.spares {
			m.spares[name] = is
			if had, there := was[name]; !there {
				m.place(name)
				m.digest = ""
			} else if had.shape != is.shape {
				m.digest = ""
			}
		}
	}
	for name := range was {
		if _, still := m.spares[name]; !still {
			m.place(name)
			m.digest = ""
		}
	}
}

// fileOf returns the name of the file that a backend stands in.
func (m *model) fileOf(name string) string {
	if b := m.backendOf(name); b != nil && b.spare != "" {
		return shardOf(b.spare)
	}
	return shardOf(serviceOf(name))
}

// renew makes the model one to be loaded: without backends that serve nobody,
// and with n prepared ones that nobody has. Services keep theirs, so that the
// worker at work can still be told of changes if the load fails; where none is
// at work, rename gives them backends of their own names.
func (m *model) renew(owner string, n int, rename bool) {
	e := newEdit(owner, m)
	taken := map[string]bool{}
	for _, name := range m.order {
		for _, b := range m.sections[name].backends {
			switch {
			case b.retired || b.service == "":
				delete(e.of(name).backends, b.name())
			case b.spare != "" && rename:
				next := *b
				next.spare = ""
				e.of(name).backends[b.name()] = &next
			case b.spare != "":
				taken[b.spare] = true
			}
		}
	}
	for i := 1; n > 0 && i <= lastSpare; i++ {
		if name := spareName(i); !taken[name] {
			e.of("").backends[name] = &backend{spare: name, settings: defaultSettings}
			n--
		}
	}
	m.put(e.sections())
}

// free returns the prepared backends that a service may take.
func (r *Reconciler) free() []*backend {
	var free []*backend
	if pool := r.model.sections[""]; pool != nil {
		for _, b := range pool.backends {
			if !b.retired && len(b.servers) == 0 && r.backends[b.spare] {
				free = append(free, b)
			}
		}
	}
	return free
}

// assign gives services that are brand-new and ask for default options a
// prepared backend each, as far as there are some.
func (r *Reconciler) assign(steps []*step) {
	if r.condition.process != processRuns || r.condition.loaded != "yes" {
		return
	}
	var free []*backend
	e := newEdit(r.o.Owner, r.model)
	for _, s := range steps {
		if s.change.After == nil {
			continue
		}
		b, ok := s.change.After.Native.(*backend)
		if !ok || !b.standard() || r.model.knows(b) {
			continue
		}
		if free == nil {
			free = r.free()
		}
		if len(free) == 0 {
			break
		}
		next := *b
		next.spare, free = free[0].spare, free[1:]
		delete(e.of("").backends, next.spare)
		e.of(b.service).backends[b.name()] = &next
	}
	if len(e.next) > 0 {
		r.model.put(e.sections())
	}
}

// knows reports whether the backend, or a route to it, is in the model already.
func (m *model) knows(b *backend) bool {
	s := m.sections[b.service]
	return s.backend(b.name()) != nil ||
		s != nil && slices.ContainsFunc(s.routes, func(r *route) bool { return r.backend == b.name() })
}

// targets returns the backends that a running map names.
func targets(owner string, routes map[string]string, patterns []string) map[string]bool {
	out := map[string]bool{}
	add := func(value string) {
		name, _, _ := strings.Cut(value, "|")
		out[strings.TrimPrefix(name, owner+":")] = true
	}
	for _, value := range routes {
		add(value)
	}
	for _, line := range patterns {
		_, value, _ := strings.Cut(line, " ")
		add(value)
	}
	return out
}

package config

import (
	"maps"
	"slices"

	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
)

// Edit collects the next versions of sections.
type Edit struct {
	from *Model
	next map[string]*draft
}

// draft is a section that is being changed.
type draft struct {
	backends map[string]*Backend
	routes   map[string]*routemap.Route
}

// Edit begins a change.
func (m *Model) Edit() *Edit { return &Edit{from: m, next: map[string]*draft{}} }

// Keep adds or replaces a backend, with its servers.
func (e *Edit) Keep(b *Backend) { e.of(b.Service).backends[b.Name()] = b }

// Forget removes a backend of a service; "" is the service of those that nobody has.
func (e *Edit) Forget(service, backend string) { delete(e.of(service).backends, backend) }

// Put adds or replaces one of the natives of objects: a *Backend, whose servers stay, a Place or a *routemap.Route.
func (e *Edit) Put(native any) {
	switch n := native.(type) {
	case *Backend:
		d := e.of(n.Service)
		next := *n
		if have := d.backends[n.Name()]; have != nil {
			next.Servers = have.Servers
			if p := poolOf(have.Spare); p != nil && p.settings == next.Settings {
				next.Spare = have.Spare
			}
		}
		d.backends[n.Name()] = &next
	case Place:
		d := e.of(ServiceOf(n.Backend))
		if b := d.backends[n.Backend]; b != nil {
			d.backends[n.Backend] = b.With(n.Server)
		}
	case *routemap.Route:
		e.of(n.Service).routes[n.Name] = n
	}
}

// Drop removes one of them. A backend that the process has stays, retired: live are the names of those.
func (e *Edit) Drop(native any, live map[string]bool) {
	switch n := native.(type) {
	case *Backend:
		d := e.of(n.Service)
		have := d.backends[n.Name()]
		switch {
		case have == nil:
		case live[have.Live()] || have.Spare != "":
			next := *have
			next.Retired = true
			d.backends[n.Name()] = &next
		default:
			delete(d.backends, n.Name())
		}
	case Place:
		d := e.of(ServiceOf(n.Backend))
		if b := d.backends[n.Backend]; b != nil {
			d.backends[n.Backend] = b.without(n.Server.Name)
		}
	case *routemap.Route:
		delete(e.of(n.Service).routes, n.Name)
	}
}

// Apply makes the model what was changed.
func (e *Edit) Apply() { e.from.put(e.sections()) }

func (e *Edit) of(service string) *draft {
	if d, ok := e.next[service]; ok {
		return d
	}
	d := &draft{backends: map[string]*Backend{}, routes: map[string]*routemap.Route{}}
	if s := e.from.sections[service]; s != nil {
		for _, b := range s.Backends {
			d.backends[b.Name()] = b
		}
		for _, r := range s.Routes {
			d.routes[r.Name] = r
		}
	}
	e.next[service] = d
	return d
}

// sections renders what was changed; nil stands for a section that is empty now.
func (e *Edit) sections() map[string]*Section {
	out := make(map[string]*Section, len(e.next))
	for service, d := range e.next {
		out[service] = nil
		if len(d.backends)+len(d.routes) == 0 {
			continue
		}
		s := &Section{service: service}
		for _, name := range slices.Sorted(maps.Keys(d.backends)) {
			s.Backends = append(s.Backends, d.backends[name])
		}
		for _, name := range slices.Sorted(maps.Keys(d.routes)) {
			s.Routes = append(s.Routes, d.routes[name])
		}
		s.render(e.from.owner)
		out[service] = s
	}
	return out
}

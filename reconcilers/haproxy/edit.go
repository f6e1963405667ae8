package haproxy

import (
	"maps"
	"slices"

	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
)

// edit collects the next versions of sections.
type edit struct {
	owner string
	from  *model
	next  map[string]*draft
}

// draft is a section that is being changed.
type draft struct {
	backends map[string]*backend
	routes   map[string]*routemap.Route
}

func newEdit(owner string, from *model) *edit {
	return &edit{owner: owner, from: from, next: map[string]*draft{}}
}

func (e *edit) of(service string) *draft {
	if d, ok := e.next[service]; ok {
		return d
	}
	d := &draft{backends: map[string]*backend{}, routes: map[string]*routemap.Route{}}
	if s := e.from.sections[service]; s != nil {
		for _, b := range s.backends {
			d.backends[b.name()] = b
		}
		for _, r := range s.routes {
			d.routes[r.Name] = r
		}
	}
	e.next[service] = d
	return d
}

// sections renders what was changed; nil stands for a section that is empty now.
func (e *edit) sections() map[string]*section {
	out := make(map[string]*section, len(e.next))
	for service, d := range e.next {
		out[service] = nil
		if len(d.backends)+len(d.routes) == 0 {
			continue
		}
		s := &section{service: service}
		for _, name := range slices.Sorted(maps.Keys(d.backends)) {
			s.backends = append(s.backends, d.backends[name])
		}
		for _, name := range slices.Sorted(maps.Keys(d.routes)) {
			s.routes = append(s.routes, d.routes[name])
		}
		s.render(e.owner)
		out[service] = s
	}
	return out
}

// draftOf applies the steps that have not failed to sections.
func (r *Reconciler) draftOf(m *model, steps []*step) map[string]*section {
	e := newEdit(r.o.Owner, m)
	for _, s := range steps {
		if s.failed() {
			continue
		}
		if s.change.After != nil {
			e.put(s.change.After.Native)
		} else {
			e.drop(s.change.Before.Native, r.backends)
		}
	}
	return e.sections()
}

// put adds or replaces one object.
func (e *edit) put(native any) {
	switch n := native.(type) {
	case *backend:
		d := e.of(n.service)
		next := *n
		if have := d.backends[n.name()]; have != nil {
			next.servers = have.servers
			if p := poolOf(have.spare); p != nil && p.settings == next.Settings {
				next.spare = have.spare
			}
		}
		d.backends[n.name()] = &next
	case place:
		d := e.of(serviceOf(n.backend))
		if b := d.backends[n.backend]; b != nil {
			d.backends[n.backend] = b.with(n.server)
		}
	case *routemap.Route:
		e.of(n.Service).routes[n.Name] = n
	}
}

// drop removes one object. A backend that the process has stays, retired.
func (e *edit) drop(native any, live map[string]bool) {
	switch n := native.(type) {
	case *backend:
		d := e.of(n.service)
		have := d.backends[n.name()]
		switch {
		case have == nil:
		case live[have.live()] || have.spare != "":
			next := *have
			next.retired = true
			d.backends[n.name()] = &next
		default:
			delete(d.backends, n.name())
		}
	case place:
		d := e.of(serviceOf(n.backend))
		if b := d.backends[n.backend]; b != nil {
			d.backends[n.backend] = b.without(n.server.name)
		}
	case *routemap.Route:
		delete(e.of(n.Service).routes, n.Name)
	}
}

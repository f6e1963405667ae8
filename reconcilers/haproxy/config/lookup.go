package config

import (
	"iter"
	"maps"
	"slices"

	"github.com/lockstep/lockstep/reconcilers/haproxy/frontend"
	"github.com/lockstep/lockstep/reconcilers/haproxy/native"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
	"github.com/lockstep/lockstep/reconcilers/haproxy/setting"
)

// Base returns the text of what is no service's.
func (m *Model) Base() string { return m.base }

// Natives returns the native sections by their heads.
func (m *Model) Natives() map[string]*native.Section { return m.natives }

// Openings returns the addresses of Listeners, by the Listeners' names.
func (m *Model) Openings() map[string]*frontend.Opening { return m.openings }

// Restrictions returns what Listeners say of hosts, by the Listeners' names.
func (m *Model) Restrictions() map[string]*routemap.Restriction { return m.restrictions }

// PassesTLS reports whether what the model holds passes TLS on.
func (m *Model) PassesTLS() bool { return frontend.PassesTLS(m.base, m.owner) }

// Sections returns those of services and, as that of "", the prepared backends that nobody has, in order.
func (m *Model) Sections() iter.Seq[*Section] {
	return func(yield func(*Section) bool) {
		for _, name := range m.order {
			if !yield(m.sections[name]) {
				return
			}
		}
	}
}

// Section returns that of a service; nil when there is none.
func (m *Model) Section(service string) *Section { return m.sections[service] }

// Backends returns all backends, service by service.
func (m *Model) Backends() iter.Seq[*Backend] {
	return func(yield func(*Backend) bool) {
		for s := range m.Sections() {
			for _, b := range s.Backends {
				if !yield(b) {
					return
				}
			}
		}
	}
}

// Routes returns the routes of each service, both in order.
func (m *Model) Routes() iter.Seq2[string, []*routemap.Route] {
	return func(yield func(string, []*routemap.Route) bool) {
		for _, name := range m.order {
			if !yield(name, m.sections[name].Routes) {
				return
			}
		}
	}
}

// Backend returns the backend that an object names, or nil.
func (m *Model) Backend(name string) *Backend {
	return m.sections[ServiceOf(name)].backend(name)
}

// Server returns a server as the model knows it to run.
func (m *Model) Server(p Place) (Server, bool) {
	b := m.Backend(p.Backend)
	if b == nil {
		return Server{}, false
	}
	i, there := b.find(p.Server.Name)
	if !there {
		return Server{}, false
	}
	return b.Servers[i], true
}

// Route returns a route of the model, or nil.
func (m *Model) Route(service, name string) *routemap.Route {
	if s := m.sections[service]; s != nil {
		for _, have := range s.Routes {
			if have.Name == name {
				return have
			}
		}
	}
	return nil
}

// Live returns the name that a backend has in HAProxy, without the owner's prefix.
func (m *Model) Live(name string) string {
	if b := m.Backend(name); b != nil {
		return b.Live()
	}
	return name
}

// LiveBackend says by which name, without the owner's prefix, HAProxy has a backend, and whether
// that takes connections; "" when it has none.
func (m *Model) LiveBackend(name string) (live string, connections bool) {
	if b := m.Backend(name); b != nil {
		return b.Live(), b.Mode == setting.ModeTCP
	}
	return "", false
}

// Knows reports whether the backend, or a route to it, is in the model already.
func (m *Model) Knows(b *Backend) bool {
	s := m.sections[b.Service]
	return s.backend(b.Name()) != nil ||
		s != nil && slices.ContainsFunc(s.Routes, func(r *routemap.Route) bool { return r.Backend == b.Name() })
}

// Binding visits the texts that hold binds of other people's wishes, each with what
// it is called, in a fixed order.
func (m *Model) Binding() iter.Seq2[string, string] {
	return func(yield func(place, text string) bool) {
		for _, head := range slices.Sorted(maps.Keys(m.natives)) {
			if !yield("the native "+head, m.natives[head].Text) {
				return
			}
		}
		for _, name := range slices.Sorted(maps.Keys(m.openings)) {
			if !yield("the Listener "+name, m.openings[name].Front) {
				return
			}
		}
	}
}

package haproxy

import (
	"crypto/sha256"
	"encoding/hex"
	"iter"
	"maps"
	"slices"

	"github.com/lockstep/lockstep/reconcilers/haproxy/crt"
	"github.com/lockstep/lockstep/reconcilers/haproxy/frontend"
	"github.com/lockstep/lockstep/reconcilers/haproxy/native"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
)

// section is everything of one service. It is never changed once it is in a
// model, so its text is rendered once.
type section struct {
	service  string
	backends []*backend        // sorted by name
	routes   []*routemap.Route // sorted by name
	config   string            // text in its file
	shape    string            // of that what HAProxy takes over by a reload only
	spares   map[string]text   // the same of its prepared backends, by their names
}

// backend returns the named backend, or nil.
func (s *section) backend(name string) *backend {
	if s == nil {
		return nil
	}
	for _, b := range s.backends {
		if b.name() == name {
			return b
		}
	}
	return nil
}

// model is what the files and the process hold of ours.
type model struct {
	base     string // text before the first service, with the generation and what Listeners open left out
	sections map[string]*section
	order    []string            // names of sections, sorted
	spares   map[string]text     // of all sections
	shards   map[string][]string // names of sections and prepared backends by the file that they stand in
	digest   string              // of what generation covers; "" when it must be made anew
	certs    map[string]*crt.Certificate
	owner    string                     // of all that it holds
	natives  map[string]*native.Section // by their heads
	// What there is of Listeners, by their names. Never changed in place.
	openings     map[string]*frontend.Opening
	restrictions map[string]*routemap.Restriction
}

func newModel(owner string) *model {
	return &model{owner: owner, sections: map[string]*section{}, spares: map[string]text{}, shards: map[string][]string{}, certs: map[string]*crt.Certificate{}}
}

// Routes returns the routes of each service, both in order.
func (m *model) Routes() iter.Seq2[string, []*routemap.Route] {
	return func(yield func(string, []*routemap.Route) bool) {
		for _, name := range m.order {
			if !yield(name, m.sections[name].routes) {
				return
			}
		}
	}
}

// Restrictions returns what Listeners say of hosts, by the Listeners' names.
func (m *model) Restrictions() map[string]*routemap.Restriction { return m.restrictions }

// PassesTLS reports whether what the model holds passes TLS on.
func (m *model) PassesTLS() bool { return frontend.PassesTLS(m.base, m.owner) }

// put replaces sections; nil removes one.
func (m *model) put(edits map[string]*section) {
	m.putSpares(edits)
	for name, s := range edits {
		if shapeOf(m.sections[name]) != shapeOf(s) {
			m.digest = ""
		}
		have, there := m.sections[name]
		if there != (s != nil) {
			m.order = toggle(m.order, name)
		}
		if have.stands() != s.stands() {
			m.place(name)
		}
		if s == nil {
			delete(m.sections, name)
		} else {
			m.sections[name] = s
		}
	}
}

// stands reports whether the section has text in a file of its service.
func (s *section) stands() bool { return s != nil && s.config != "" }

// place puts a service or prepared backend into its file, or takes it out.
func (m *model) place(name string) {
	file := shardOf(name)
	if m.shards[file] = toggle(slices.Clone(m.shards[file]), name); len(m.shards[file]) == 0 {
		delete(m.shards, file)
	}
}

// toggle puts a name into a sorted list, or takes it out when it is there.
func toggle(list []string, name string) []string {
	i, there := slices.BinarySearch(list, name)
	if there {
		return slices.Delete(list, i, i+1)
	}
	return slices.Insert(list, i, name)
}

// clone returns a model that can be changed apart.
func (m *model) clone() *model {
	return &model{
		base: m.base, sections: maps.Clone(m.sections), order: slices.Clone(m.order),
		spares: maps.Clone(m.spares), shards: maps.Clone(m.shards), digest: m.digest, // the lists of shards are never changed in place
		certs: maps.Clone(m.certs), owner: m.owner, natives: m.natives, // never changed in place
		openings: m.openings, restrictions: m.restrictions,
	}
}

func shapeOf(s *section) string {
	if s == nil {
		return ""
	}
	return s.shape
}

// rebase replaces the text before the services.
func (m *model) rebase(text string) { m.base, m.digest = text, "" }

// generation names everything that the process can take over by a reload only.
func (m *model) generation() string {
	if m.digest != "" {
		return m.digest
	}
	sum := sha256.New()
	sum.Write([]byte(m.base))
	for _, name := range m.order {
		sum.Write([]byte(m.sections[name].shape))
	}
	for _, name := range sortedKeys(m.openings) {
		sum.Write([]byte(m.openings[name].Front + m.openings[name].Back))
	}
	for _, head := range sortedKeys(m.natives) {
		sum.Write([]byte(m.natives[head].Text))
	}
	m.digest = hex.EncodeToString(sum.Sum(nil))[:20]
	return m.digest
}

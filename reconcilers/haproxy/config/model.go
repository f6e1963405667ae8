package config

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"

	"github.com/lockstep/lockstep/reconcilers/haproxy/crt"
	"github.com/lockstep/lockstep/reconcilers/haproxy/frontend"
	"github.com/lockstep/lockstep/reconcilers/haproxy/native"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
)

// Model is what the files and the process hold of ours.
type Model struct {
	// Certs are the certificates that listeners show, by name; nothing of the text follows from them.
	Certs map[string]*crt.Certificate

	base     string // text before the first service, with the generation and what Listeners open left out
	sections map[string]*Section
	order    []string                   // names of sections, sorted
	spares   map[string]text            // of all sections
	shards   map[string][]string        // names of sections and prepared backends by the file that they stand in
	digest   string                     // of what generation covers; "" when it must be made anew
	owner    string                     // of all that it holds
	natives  map[string]*native.Section // by their heads
	// What there is of Listeners, by their names. Never changed in place.
	openings     map[string]*frontend.Opening
	restrictions map[string]*routemap.Restriction
}

// New returns an empty model, for the objects of an owner.
func New(owner string) *Model {
	return &Model{owner: owner, sections: map[string]*Section{}, spares: map[string]text{}, shards: map[string][]string{}, Certs: map[string]*crt.Certificate{}}
}

// Rebase replaces the text before the services.
func (m *Model) Rebase(text string) { m.base, m.digest = text, "" }

// SetNatives replaces the native sections.
func (m *Model) SetNatives(natives map[string]*native.Section) { m.natives, m.digest = natives, "" }

// DropNative leaves a native section out.
func (m *Model) DropNative(head string) {
	m.natives, m.digest = maps.Clone(m.natives), ""
	delete(m.natives, head)
}

// SetOpenings replaces the addresses of Listeners.
func (m *Model) SetOpenings(openings map[string]*frontend.Opening) {
	m.openings, m.digest = openings, ""
}

// DropOpening leaves the addresses of a Listener out.
func (m *Model) DropOpening(name string) {
	m.openings, m.digest = maps.Clone(m.openings), ""
	delete(m.openings, name)
}

// SetRestrictions replaces what Listeners say of hosts.
func (m *Model) SetRestrictions(restrictions map[string]*routemap.Restriction) {
	m.restrictions = restrictions
}

// put replaces sections; nil removes one.
func (m *Model) put(edits map[string]*Section) {
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

// place puts a service or prepared backend into its file, or takes it out.
func (m *Model) place(name string) {
	file := File(name)
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

// Clone returns a model that can be changed apart.
func (m *Model) Clone() *Model {
	return &Model{
		base: m.base, sections: maps.Clone(m.sections), order: slices.Clone(m.order),
		spares: maps.Clone(m.spares), shards: maps.Clone(m.shards), digest: m.digest, // the lists of shards are never changed in place
		Certs: maps.Clone(m.Certs), owner: m.owner, natives: m.natives, // never changed in place
		openings: m.openings, restrictions: m.restrictions,
	}
}

// Generation names everything that the process can take over by a reload only.
func (m *Model) Generation() string {
	if m.digest != "" {
		return m.digest
	}
	sum := sha256.New()
	sum.Write([]byte(m.base))
	for _, name := range m.order {
		sum.Write([]byte(m.sections[name].shape))
	}
	for _, name := range slices.Sorted(maps.Keys(m.openings)) {
		sum.Write([]byte(m.openings[name].Front + m.openings[name].Back))
	}
	for _, head := range slices.Sorted(maps.Keys(m.natives)) {
		sum.Write([]byte(m.natives[head].Text))
	}
	m.digest = hex.EncodeToString(sum.Sum(nil))[:20]
	return m.digest
}

// Section is everything of one service. It is never changed once it is in a
// model, so its text is rendered once.
type Section struct {
	service  string
	Backends []*Backend        // sorted by name
	Routes   []*routemap.Route // sorted by name
	config   string            // text in its file
	shape    string            // of that what HAProxy takes over by a reload only
	spares   map[string]text   // the same of its prepared backends, by their names
}

// backend returns the named backend, or nil.
func (s *Section) backend(name string) *Backend {
	if s == nil {
		return nil
	}
	for _, b := range s.Backends {
		if b.Name() == name {
			return b
		}
	}
	return nil
}

// stands reports whether the section has text in a file of its service.
func (s *Section) stands() bool { return s != nil && s.config != "" }

func shapeOf(s *Section) string {
	if s == nil {
		return ""
	}
	return s.shape
}

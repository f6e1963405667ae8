package haproxy

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lockstep/lockstep/reconcilers/haproxy/crt"
	"github.com/lockstep/lockstep/reconcilers/haproxy/native"
	"github.com/lockstep/lockstep/reconcilers/haproxy/setting"
)

// server is one `server` line. Values are never changed once they are in a model.
type server struct {
	name    string // as HAProxy knows it
	id      string // the endpoint's id; the same as name unless the name is an address
	address string // ip:port
	weight  int    // 0 to 256
	drain   bool
	// until is when the sessions of a draining server are ended, in whole seconds of
	// UTC; zero when they may go on as long as it is there.
	until   time.Time
	overdue bool // only ever observed: it has sessions though until has passed
	maxconn int  // the most requests at once; 0 for no bound
	backup  bool // gets requests only while no other one takes any
	maint   bool // only ever observed: out of service, to be removed or made ready again
}

// backend is one `backend` section. A retired backend serves nobody: it is
// left in the files because the running process still has it, and is dropped
// with the next reload, or taken into service again when the same is asked for.
type backend struct {
	service string
	setting.Settings
	retired bool
	// spare is the prepared backend that stands for this one in HAProxy; "" when
	// it has one of its own name. See spare.go.
	spare   string
	servers []server // sorted by name
}

// name returns the name by which objects know the backend.
func (b *backend) name() string {
	if b.service == "" {
		return b.spare
	}
	if b.Address {
		return b.service + addressSuffix
	}
	return b.service
}

// addressSuffix marks the backend whose requests carry the server's address
// as Host. Service names hold no colon.
const addressSuffix = ":address"

// same reports whether two backends need the same section, servers aside.
func (b *backend) same(o *backend) bool {
	return b.service == o.service && b.Settings == o.Settings
}

// find returns the place of a server, and whether it is there.
func (b *backend) find(name string) (int, bool) {
	return slices.BinarySearchFunc(b.servers, name, func(s server, name string) int { return cmp.Compare(s.name, name) })
}

// with returns a copy of the backend in which s stands.
func (b *backend) with(s server) *backend {
	next := *b
	i, there := b.find(s.name)
	next.servers = slices.Clone(b.servers)
	if there {
		next.servers[i] = s
	} else {
		next.servers = slices.Insert(next.servers, i, s)
	}
	return &next
}

// without returns a copy of the backend that lacks the named server.
func (b *backend) without(name string) *backend {
	next := *b
	if i, there := b.find(name); there {
		next.servers = slices.Delete(slices.Clone(b.servers), i, i+1)
	}
	return &next
}

// section is everything of one service. It is never changed once it is in a
// model, so its text is rendered once.
type section struct {
	service  string
	backends []*backend      // sorted by name
	routes   []*route        // sorted by name
	config   string          // text in its file
	shape    string          // of that what HAProxy takes over by a reload only
	spares   map[string]text // the same of its prepared backends, by their names
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
	owner    string                     // of the natives' file
	natives  map[string]*native.Section // by their heads
	// What there is of Listeners, by their names. Never changed in place.
	openings     map[string]*opening
	restrictions map[string]*restriction
}

func newModel() *model {
	return &model{sections: map[string]*section{}, spares: map[string]text{}, shards: map[string][]string{}, certs: map[string]*crt.Certificate{}}
}

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
		sum.Write([]byte(m.openings[name].front + m.openings[name].back))
	}
	for _, head := range sortedKeys(m.natives) {
		sum.Write([]byte(m.natives[head].Text))
	}
	m.digest = hex.EncodeToString(sum.Sum(nil))[:20]
	return m.digest
}

// edit collects the next versions of sections.
type edit struct {
	owner string
	from  *model
	next  map[string]*draft
}

// draft is a section that is being changed.
type draft struct {
	backends map[string]*backend
	routes   map[string]*route
}

func newEdit(owner string, from *model) *edit {
	return &edit{owner: owner, from: from, next: map[string]*draft{}}
}

func (e *edit) of(service string) *draft {
	if d, ok := e.next[service]; ok {
		return d
	}
	d := &draft{backends: map[string]*backend{}, routes: map[string]*route{}}
	if s := e.from.sections[service]; s != nil {
		for _, b := range s.backends {
			d.backends[b.name()] = b
		}
		for _, r := range s.routes {
			d.routes[r.name] = r
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

// serviceOf returns the service of a backend's name; "" for one that nobody has.
func serviceOf(backend string) string {
	if strings.HasPrefix(backend, ":") {
		return ""
	}
	return strings.TrimSuffix(backend, addressSuffix)
}

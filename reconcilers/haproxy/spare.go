package haproxy

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
	"github.com/lockstep/lockstep/reconcilers/haproxy/setting"
)

// HAProxy before 3.4 gets a new backend by a reload only. So that a brand-new service
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

// pool is the prepared backends of one kind.
type pool struct {
	prefix   string // of their names; service names hold no colon
	file     string // the same in the names of their files
	settings setting.Settings
}

// pools are the kinds: one for each of the settings that most services have.
var pools = []pool{
	{prefix: ":spare", file: disk.SparePrefix, settings: setting.Default},
	{prefix: ":tcp", file: disk.StreamSparePrefix, settings: setting.DefaultStream},
}

// lastSpare is the highest number that their names and files have room for.
const lastSpare = 99_999

func (p *pool) name(i int) string { return fmt.Sprintf("%s%05d", p.prefix, i) }

// poolOf returns the pool of a prepared backend; nil when it is none.
func poolOf(name string) *pool {
	p, _ := spareNumber(name)
	return p
}

// spareNumber returns the pool and number of a prepared backend.
func spareNumber(name string) (*pool, int) {
	for i := range pools {
		p := &pools[i]
		digits, ours := strings.CutPrefix(name, p.prefix)
		if n, err := strconv.Atoi(digits); ours && err == nil && 0 < n && n <= lastSpare && name == p.name(n) {
			return p, n
		}
	}
	return nil, 0
}

func isSpare(name string) bool { return poolOf(name) != nil }

// standard reports whether a prepared backend can stand for this one.
func (b *backend) standard() bool {
	return slices.ContainsFunc(pools, func(p pool) bool { return p.settings == b.Settings })
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

// LiveBackend says by which name, without the owner's prefix, HAProxy has a backend, and whether
// that takes connections; "" when it has none.
func (m *model) LiveBackend(name string) (live string, connections bool) {
	if b := m.backendOf(name); b != nil {
		return b.live(), b.Mode == setting.ModeTCP
	}
	return "", false
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
			if _, there := was[name]; !there {
				m.place(name)
			}
		}
	}
	for name := range was {
		if _, still := m.spares[name]; !still {
			m.place(name)
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
// and with as many prepared ones of each pool that nobody has as want says. Services keep theirs, so that the
// worker at work can still be told of changes if the load fails; where none is
// at work, rename gives them backends of their own names.
func (m *model) renew(owner string, want []int, rename bool) {
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
	for kind, n := range want {
		for i := 1; n > 0 && i <= lastSpare; i++ {
			if name := pools[kind].name(i); !taken[name] {
				e.of("").backends[name] = &backend{spare: name, Settings: pools[kind].settings}
				n--
			}
		}
	}
	m.put(e.sections())
}

// spares returns how many backends of each pool are to be prepared.
func (r *Reconciler) spares() []int {
	if r.can().addsBackends {
		return nil
	}
	want := []int{r.o.Spares}
	if r.o.streams() {
		want = append(want, min(r.o.Spares, streamSpares))
	}
	return want
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

// assign gives services that are brand-new and ask for default options a backend
// each: one that HAProxy adds, or a prepared one, as far as there are some.
func (r *Reconciler) assign(rt *runtime, steps []*step) {
	fresh := r.unheard(steps)
	if len(fresh) == 0 || r.condition.process != processRuns || r.condition.loaded != "yes" {
		return
	}
	e := newEdit(r.o.Owner, r.model)
	if r.can().addsBackends {
		for _, b := range rt.addBackends(fresh) {
			e.of(b.service).backends[b.name()] = b
			r.backends[b.name()] = true
		}
	} else {
		free := r.free()
		for _, b := range fresh {
			i := slices.IndexFunc(free, func(spare *backend) bool { return spare.Settings == b.Settings })
			if i < 0 {
				continue
			}
			next := *b
			next.spare = free[i].spare
			free = slices.Delete(free, i, i+1)
			delete(e.of("").backends, next.spare)
			e.of(b.service).backends[b.name()] = &next
		}
	}
	r.model.put(e.sections())
}

// unheard returns the backends of default options that are asked for and of
// which neither the model nor the process knows.
func (r *Reconciler) unheard(steps []*step) []*backend {
	var backends []*backend
	for _, s := range steps {
		if s.change.After == nil {
			continue
		}
		if b, ok := s.change.After.Native.(*backend); ok && b.standard() && !r.model.knows(b) && !r.backends[b.name()] {
			backends = append(backends, b)
		}
	}
	return backends
}

// knows reports whether the backend, or a route to it, is in the model already.
func (m *model) knows(b *backend) bool {
	s := m.sections[b.service]
	return s.backend(b.name()) != nil ||
		s != nil && slices.ContainsFunc(s.routes, func(r *routemap.Route) bool { return r.Backend == b.name() })
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

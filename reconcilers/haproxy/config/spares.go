package config

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/haproxy/setting"
)

// HAProxy may stand a prepared backend in for a service's, which it knows by that name from then on. Which
// service has which stands in the backend's own line of our files, and nowhere
// else (not in the ledger either): the record can't disagree with what HAProxy
// loads, is replaced in one step with the servers, and outlives whoever is killed.
//
// The prepared backends that nobody has are those of the service "".

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

// IsSpare reports whether a name is that of a prepared backend.
func IsSpare(name string) bool { return poolOf(name) != nil }

// Standard reports whether a prepared backend can stand for this one.
func (b *Backend) Standard() bool {
	return slices.ContainsFunc(pools, func(p pool) bool { return p.settings == b.Settings })
}

// Live returns the name that the backend has in HAProxy, without the owner's prefix.
func (b *Backend) Live() string {
	if b.Spare != "" {
		return b.Spare
	}
	return b.Name()
}

// putSpares takes over the prepared backends of edits, in whichever section
// they were and are.
func (m *Model) putSpares(edits map[string]*Section) {
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

// FileOf returns the name of the file that a backend stands in.
func (m *Model) FileOf(name string) string {
	if b := m.Backend(name); b != nil && b.Spare != "" {
		return File(b.Spare)
	}
	return File(ServiceOf(name))
}

// Renew makes the model one to be loaded: without backends that serve nobody,
// and with as many prepared ones of each pool that nobody has as want says. Services keep theirs, so that the
// worker at work can still be told of changes if the load fails; where none is
// at work, rename gives them backends of their own names.
func (m *Model) Renew(want []int, rename bool) {
	e := m.Edit()
	taken := map[string]bool{}
	for _, name := range m.order {
		for _, b := range m.sections[name].Backends {
			switch {
			case b.Retired || b.Service == "":
				delete(e.of(name).backends, b.Name())
			case b.Spare != "" && rename:
				next := *b
				next.Spare = ""
				e.of(name).backends[b.Name()] = &next
			case b.Spare != "":
				taken[b.Spare] = true
			}
		}
	}
	for kind, n := range want {
		for i := 1; n > 0 && i <= lastSpare; i++ {
			if name := pools[kind].name(i); !taken[name] {
				e.of("").backends[name] = &Backend{Spare: name, Settings: pools[kind].settings}
				n--
			}
		}
	}
	e.Apply()
}

package config

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"

	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/haproxy/frontend"
	"github.com/lockstep/lockstep/reconcilers/haproxy/native"
)

// Our part of HAProxy's configuration: lockstep.cfg with what belongs to no
// service, and a bounded number of files beside it with the services. Which of
// them a service stands in follows from its name alone. One event replaces one
// file, so what it costs hardly grows with the number of services.
//
// Each file is replaced as a whole, but not all of them at one moment. That is
// no matter: a service never stands in two, and none refers to another.
const shards = 64

// sparesEach is the number of prepared backends that share a file. A backend
// stays in its file whoever has it: there is no moment at which it stands in
// two, which HAProxy would refuse to load, or in none.
const sparesEach = 100

// File returns the name of the file that a service or prepared backend stands in.
func File(service string) string {
	if p, n := spareNumber(service); p != nil {
		return fmt.Sprintf("%s%03d.cfg", p.file, (n-1)/sparesEach)
	}
	sum := fnv.New32a()
	sum.Write([]byte(service))
	return fmt.Sprintf("%s%02d.cfg", disk.ShardPrefix, sum.Sum32()%shards)
}

// Files returns the names of the files that the model fills, in the
// order in which HAProxy reads them and we write them.
func (m *Model) Files() []string {
	names := append([]string{disk.Config}, slices.Sorted(maps.Keys(m.shards))...)
	if len(m.natives) > 0 {
		names = append(names, disk.Native)
	}
	return names
}

// Content is what the model wants our files to hold.
func (m *Model) Content() disk.Content {
	return disk.Content{Names: m.Files(), Render: m.Render}
}

// Render writes one of the files; nil when nothing is to stand in it.
func (m *Model) Render(name string) []byte {
	if name == disk.Config {
		return []byte(frontend.Fill(m.base, m.openings, m.Generation()))
	}
	if name == disk.Native {
		return m.renderNatives()
	}
	names := m.shards[name]
	if len(names) == 0 {
		return nil
	}
	var b bytes.Buffer
	b.WriteString(disk.ShardHead)
	for _, name := range names {
		if spare, ok := m.spares[name]; ok {
			b.WriteString(spare.config)
		} else {
			b.WriteString(m.sections[name].config)
		}
	}
	return b.Bytes()
}

// Says reports whether files hold exactly what the model says.
func (m *Model) Says(c map[string][]byte) bool {
	names := m.Files()
	if len(names) != len(c) {
		return false
	}
	return !slices.ContainsFunc(names, func(name string) bool { return !bytes.Equal(c[name], m.Render(name)) })
}

// renderNatives writes the file of all native sections; nil when there are none. It is
// their record, too: what it says is compared with what is asked for, also by the next
// daemon.
func (m *Model) renderNatives() []byte {
	if len(m.natives) == 0 {
		return nil
	}
	var b bytes.Buffer
	b.WriteString(disk.Head(m.owner))
	native.Write(&b, m.natives)
	return b.Bytes()
}

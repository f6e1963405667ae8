package haproxy

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
)

// Our part of HAProxy's configuration: lockstep.cfg with what belongs to no
// service, and a bounded number of files beside it with the services. Which of
// them a service stands in follows from its name alone. One event replaces one
// file, so what it costs hardly grows with the number of services.
//
// Each file is replaced as a whole, but not all of them at one moment. That is
// no matter: a service never stands in two, and none refers to another.
const shards = 64

// shardPrefix makes the files sort after lockstep.cfg, whose defaults they build on.
const (
	shardPrefix  = "lockstep_"
	sparesPrefix = shardPrefix + "spare_"
)

// sparesEach is the number of prepared backends that share a file. A backend
// stays in its file whoever has it: there is no moment at which it stands in
// two, which HAProxy would refuse to load, or in none.
const sparesEach = 100

// shardOf returns the name of the file that a service or prepared backend stands in.
func shardOf(service string) string {
	if p, n := spareNumber(service); p != nil {
		return fmt.Sprintf("%s%03d.cfg", p.file, (n-1)/sparesEach)
	}
	sum := fnv.New32a()
	sum.Write([]byte(service))
	return fmt.Sprintf("%s%02d.cfg", shardPrefix, sum.Sum32()%shards)
}

// ownConfig reports whether a file of our directory is part of our configuration.
func ownConfig(name string) bool {
	name, config := strings.CutSuffix(name, ".cfg")
	number, shard := strings.CutPrefix(name, shardPrefix)
	digits := 2
	for _, p := range pools {
		if spare, ok := strings.CutPrefix(name, p.file); ok {
			number, digits = spare, 3
		}
	}
	return config && (name+".cfg" == configName || name+".cfg" == nativeName || shard && len(number) == digits && strings.Trim(number, "0123456789") == "")
}

// configNames returns the names of the files that the model fills, in the
// order in which HAProxy reads them and we write them.
func (m *model) configNames() []string {
	names := append([]string{configName}, slices.Sorted(maps.Keys(m.shards))...)
	if len(m.natives) > 0 {
		names = append(names, nativeName)
	}
	return names
}

// renderConfig writes one of the files; nil when nothing is to stand in it.
func (m *model) renderConfig(name string) []byte {
	if name == configName {
		return []byte(strings.Replace(m.open(m.base), generationHole, m.generation(), 1))
	}
	if name == nativeName {
		return m.renderNatives()
	}
	names := m.shards[name]
	if len(names) == 0 {
		return nil
	}
	var b bytes.Buffer
	b.WriteString(shardHead)
	for _, name := range names {
		if spare, ok := m.spares[name]; ok {
			b.WriteString(spare.config)
		} else {
			b.WriteString(m.sections[name].config)
		}
	}
	return b.Bytes()
}

const shardHead = "# Written by Lockstep, as " + configName + " beside it: changes made here are overwritten.\n"

// headFormat begins every file of ours but those of the services.
const headFormat = "# Written by Lockstep for the owner %q: changes made here are overwritten.\n"

// writtenFor returns the owner for whom a file says that it was written. Those of
// the services name theirs with their first backend.
func writtenFor(text []byte) (owner string, written bool) {
	first, _, _ := strings.Cut(string(text), "\n")
	head := first + "\n"
	if _, err := fmt.Sscanf(head, headFormat, &owner); err == nil {
		return owner, fmt.Sprintf(headFormat, owner) == head
	}
	rest, ours := bytes.CutPrefix(text, []byte(shardHead))
	first, _, _ = strings.Cut(string(rest), "\n")
	name, backend := strings.CutPrefix(first, "backend ")
	owner, _, named := strings.Cut(name, ":")
	return owner, ours && backend && named
}

// differing returns the names of the files that do not hold what the model says,
// those that should not be there included.
func (d *directory) differing(m *model) ([]string, error) {
	names, err := d.ownConfigs()
	if err != nil {
		return nil, err
	}
	names = append(names, m.configNames()...)
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool {
		var have []byte
		if err == nil {
			have, err = d.read(name)
		}
		want := m.renderConfig(name)
		return bytes.Equal(have, want) && (have == nil) == (want == nil)
	}), err
}

// configs is the text of our files by their names.
type configs map[string][]byte

// readConfigs reads all of our files that are there.
func (d *directory) readConfigs() (configs, error) {
	names, err := d.ownConfigs()
	if err != nil {
		return nil, err
	}
	all := configs{}
	for _, name := range names {
		if all[name], err = d.read(name); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// say reports whether the files hold exactly what the model says.
func (c configs) say(m *model) bool {
	names := m.configNames()
	if len(names) != len(c) {
		return false
	}
	return !slices.ContainsFunc(names, func(name string) bool { return !bytes.Equal(c[name], m.renderConfig(name)) })
}

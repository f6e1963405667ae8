package haproxy

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// staged are files that wait beside the real ones: path by name, "" for a file
// that is to go.
type staged map[string]string

// stageAll stages every file that does not hold yet what the model says.
func (d *directory) stageAll(m *model) (staged, error) {
	names, err := d.differing(m)
	if err != nil {
		return nil, err
	}
	s := staged{}
	for _, name := range names {
		s[name] = ""
		text := m.renderConfig(name)
		if text == nil {
			continue
		}
		if s[name], err = d.stage(name, text); err != nil {
			d.discardAll(s)
			return nil, err
		}
	}
	return s, nil
}

// commitAll makes the staged files the real ones, lockstep.cfg first: the
// others build on it.
func (d *directory) commitAll(s staged) error {
	for _, name := range slices.Sorted(maps.Keys(s)) {
		if err := d.commit(s[name], name); err != nil {
			d.discardAll(s)
			return err
		}
	}
	return nil
}

func (d *directory) discardAll(s staged) {
	for _, path := range s {
		d.discard(path)
	}
}

// ownConfigs returns the names of our files that are there, sorted.
func (d *directory) ownConfigs() ([]string, error) {
	names, err := d.list()
	return slices.DeleteFunc(names, func(name string) bool { return !ownConfig(name) }), err
}

// strangers returns the paths of the configuration files in the directory that
// are not ours.
func (d *directory) strangers() ([]string, error) {
	names, err := d.list()
	var paths []string
	for _, name := range names {
		if !ownConfig(name) {
			paths = append(paths, d.file(name))
		}
	}
	return paths, err
}

// list returns the names of the *.cfg files in the directory, in HAProxy's order.
func (d *directory) list() ([]string, error) {
	entries, err := os.ReadDir(d.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", d.path, err)
	}
	var names []string
	for _, entry := range entries { // sorted by name
		if name := entry.Name(); strings.HasSuffix(name, ".cfg") && !strings.HasPrefix(name, ".") {
			names = append(names, name)
		}
	}
	return names, nil
}

// configs returns the paths of the files that HAProxy would load from the
// directory, in its order, once the staged ones were there.
func (d *directory) configs(s staged) ([]string, error) {
	names, err := d.list()
	if err != nil {
		return nil, err
	}
	names = slices.AppendSeq(names, maps.Keys(s))
	slices.Sort(names)
	var files []string
	for _, name := range slices.Compact(names) {
		path, changes := s[name]
		switch {
		case !changes:
			files = append(files, d.file(name))
		case path != "":
			files = append(files, path)
		}
	}
	return files, nil
}

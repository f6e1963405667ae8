package disk

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// Staged are files that wait beside the real ones: path by name, "" for a file
// that is to go.
type Staged map[string]string

// A Content is what the files of our configuration are to hold.
type Content struct {
	Names  []string                 // of the files
	Render func(name string) []byte // the text of one, nil where nothing is to stand in it
}

// StageAll stages every file of ours that does not hold yet what it is to. What it returns
// goes to CommitAll or DiscardAll. When it fails, nothing is left behind.
func (d *Directory) StageAll(want Content) (Staged, error) {
	names, err := d.Differing(want)
	if err != nil {
		return nil, err
	}
	s := Staged{}
	for _, name := range names {
		s[name] = ""
		text := want.Render(name)
		if text == nil {
			continue
		}
		if s[name], err = d.stage(name, text); err != nil {
			d.DiscardAll(s)
			return nil, err
		}
	}
	return s, nil
}

// Differing returns the names of the files of ours that do not hold what they are to,
// those that should not be there included.
func (d *Directory) Differing(want Content) ([]string, error) {
	names, err := d.ownConfigs()
	if err != nil {
		return nil, err
	}
	names = append(names, want.Names...)
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool {
		var have []byte
		if err == nil {
			have, err = d.Read(name)
		}
		text := want.Render(name)
		return bytes.Equal(have, text) && (have == nil) == (text == nil)
	}), err
}

// CommitAll makes the staged files the real ones, lockstep.cfg first: the others build
// on it. When one fails, those before it are the real ones, and the rest is discarded.
func (d *Directory) CommitAll(s Staged) error {
	for _, name := range slices.Sorted(maps.Keys(s)) {
		if err := d.commit(s[name], name); err != nil {
			d.DiscardAll(s)
			return err
		}
	}
	return nil
}

// DiscardAll removes staged files.
func (d *Directory) DiscardAll(s Staged) {
	for _, path := range s {
		d.discard(path)
	}
}

// ReadConfigs returns the texts of the files of our configuration that are there, by name.
func (d *Directory) ReadConfigs() (map[string][]byte, error) {
	names, err := d.ownConfigs()
	if err != nil {
		return nil, err
	}
	all := map[string][]byte{}
	for _, name := range names {
		if all[name], err = d.Read(name); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// ownConfigs returns the names of our files that are there, sorted.
func (d *Directory) ownConfigs() ([]string, error) {
	names, err := d.list()
	return slices.DeleteFunc(names, func(name string) bool { return !isConfig(name) }), err
}

// Strangers returns the paths of the configuration files in the directory that
// are not ours.
func (d *Directory) Strangers() ([]string, error) {
	names, err := d.list()
	var paths []string
	for _, name := range names {
		if !isConfig(name) {
			paths = append(paths, d.File(name))
		}
	}
	return paths, err
}

// list returns the names of the *.cfg files in the directory, in HAProxy's order.
func (d *Directory) list() ([]string, error) {
	entries, err := os.ReadDir(d.Path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", d.Path, err)
	}
	var names []string
	for _, entry := range entries { // sorted by name
		if name := entry.Name(); strings.HasSuffix(name, ".cfg") && !strings.HasPrefix(name, ".") {
			names = append(names, name)
		}
	}
	return names, nil
}

// Configs returns the paths of the files that HAProxy would load from the
// directory, in its order, once the staged ones were there.
func (d *Directory) Configs(s Staged) ([]string, error) {
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
			files = append(files, d.File(name))
		case path != "":
			files = append(files, path)
		}
	}
	return files, nil
}

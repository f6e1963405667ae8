package manifests

import (
	"bytes"
	"maps"
	"slices"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// shelf holds what is known of every file: what it says now, and what it said
// when it was last good.
type shelf struct {
	files map[string]*known
	// memory are the texts that were last good, by path. It outlives the daemon.
	memory map[string][]byte

	tree     *grove       // what the repository says now; nil before it was read
	standing *grove       // what it said when it was last good; nil when it never was
	refused  bool         // tree does not count, or not all of it
	faults   []v1.Problem // why
}

// known is one file.
type known struct {
	text     []byte
	now      *File // nil when it is no manifest
	good     *File // when it was last good; nil when it never was
	problems []v1.Problem
}

func newShelf(memory map[string][]byte, tree *Tree) *shelf {
	s := &shelf{files: map[string]*known{}, memory: memory}
	if tree != nil {
		s.standing = grow(*tree, nil)
	}
	return s
}

// put takes in a file that was read, and reports whether it says something else than before.
func (s *shelf) put(r *reading) bool {
	switch {
	case r.err != nil:
		return s.fail(r.path, r.err)
	case r.known:
		return false
	}
	k := s.files[r.path]
	if remembered, has := s.memory[r.path]; k == nil && has && bytes.Equal(remembered, r.text) {
		k = &known{} // it says what it said then, and need not be read twice
		if len(r.problems) == 0 {
			k.good = r.file
		}
		s.files[r.path] = k
	}
	k = s.file(r.path)
	k.text, k.now, k.problems = r.text, r.file, r.problems
	if len(r.problems) > 0 {
		k.now = nil
	}
	return true
}

// fail notes that a file can't be read.
func (s *shelf) fail(path string, err error) bool {
	k := s.file(path)
	problem := v1.Problem{
		Reason: v1.InvalidManifest, Origin: v1.Origin{File: path, Line: 1, Column: 1},
		Message: "the file can't be read: " + err.Error(), Fix: "make it readable for this user, or remove it",
	}
	if k.text == nil && k.now == nil && len(k.problems) == 1 && k.problems[0] == problem {
		return false
	}
	k.text, k.now, k.problems = nil, nil, []v1.Problem{problem}
	return true
}

// file returns what is known of a file; of a new one, what is remembered.
func (s *shelf) file(path string) *known {
	k := s.files[path]
	if k == nil {
		k = &known{}
		if text, has := s.memory[path]; has {
			if file, problems := declare(v1.Origin{File: path}, text); len(problems) == 0 {
				k.good = &file
			}
		}
		s.files[path] = k
	}
	return k
}

// keep forgets files that are not among those that are there, and reports
// whether it forgot any.
func (s *shelf) keep(present func(path string) bool) bool {
	before := len(s.files)
	maps.DeleteFunc(s.files, func(path string, _ *known) bool { return !present(path) })
	forgotten := len(s.files) < before
	maps.DeleteFunc(s.memory, func(path string, _ []byte) bool {
		if _, has := s.files[path]; has || present(path) {
			return false
		}
		forgotten = true
		return true
	})
	return forgotten
}

// link puts the files together and remembers those that are good. broken counts
// the files of which not all counts that they say now.
func (s *shelf) link() (linked Linked, broken int, remembered bool) {
	paths := slices.Sorted(maps.Keys(s.files))
	candidates := make([]Candidate, len(paths))
	var problems []v1.Problem
	for i, path := range paths {
		k := s.files[path]
		c := Candidate{Path: path, Current: k.now != nil}
		if k.now != nil {
			c.Versions = append(c.Versions, *k.now)
			c.Settled = bytes.Equal(s.memory[path], k.text)
		}
		if k.good != nil && !c.Settled {
			c.Versions = append(c.Versions, *k.good)
			c.Settled = k.now == nil
		}
		candidates[i] = c
		problems = append(problems, k.problems...)
	}
	linked = s.linkTree(candidates)
	linked.Problems = sorted(append(linked.Problems, problems...))
	linked.World.addUnread(s.unread(paths, &linked))
	for i, path := range paths {
		if !linked.Whole[i] {
			broken++
			continue
		}
		k := s.files[path]
		k.good = k.now
		if before, has := s.memory[path]; !has || !bytes.Equal(before, k.text) {
			s.memory[path] = k.text
			remembered = true
		}
	}
	return linked, broken, remembered
}

// stays reports whether there is an earlier, good version of what stands at a place that is
// wrong: of the file, or of the repository as a whole.
func (s *shelf) stays(at v1.Origin) bool {
	if k := s.files[at.File]; k != nil && at.Commit == "" {
		return k.good != nil
	}
	return s.standing != nil
}

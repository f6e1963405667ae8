package manifests

import (
	"bytes"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/journal"
)

// shelf holds what is known of every file: what it says now, and what it said
// when it was last good.
type shelf struct {
	files   map[string]*known
	changed map[string]bool // files that say something else since they were linked
	linker  *linker
	// memory are the texts that were last good, by path. It outlives the daemon.
	memory journal.Map[[]byte]

	tree     *grove              // what the repository says now; nil before it was read
	standing *grove              // what it said when it was last good; nil when it never was
	refused  bool                // tree does not count, or not all of it
	faults   []v1.Problem        // why
	brought  brought             // the tree whose files are linked
	steps    map[[2]brought]step // from one to another, as far as they were taken
}

// known is one file.
type known struct {
	text     []byte
	now      *File // nil when it is no manifest
	good     *File // when it was last good; nil when it never was
	problems []v1.Problem
	named    []v1.Key // what it would declare if nothing were wrong with it

	searched bool // seems says how many guards the text seems to hold
	seems    int
}

func newShelf(memory map[string][]byte, tree *Tree) *shelf {
	s := &shelf{files: map[string]*known{}, changed: map[string]bool{}, linker: newLinker(), memory: journal.MapOf(memory)}
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
	if remembered, has := s.memory.Lookup(r.path); k == nil && has && bytes.Equal(remembered, r.text) {
		k = &known{} // it says what it said then, and need not be read twice
		if len(r.problems) == 0 {
			k.good = r.file
		}
		s.files[r.path] = k
	}
	k = s.file(r.path)
	s.changed[r.path] = true
	k.text, k.now, k.problems, k.searched = r.text, r.file, r.problems, false
	k.named = nil
	if len(r.problems) > 0 {
		k.now, k.named = nil, r.file.named
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
	s.changed[path] = true
	k.text, k.now, k.problems, k.searched = nil, nil, []v1.Problem{problem}, false
	k.named = nil
	return true
}

// file returns what is known of a file; of a new one, what is remembered.
func (s *shelf) file(path string) *known {
	k := s.files[path]
	if k == nil {
		k = &known{}
		if text, has := s.memory.Lookup(path); has {
			if file, problems := declare(v1.Origin{File: path}, text); len(problems) == 0 {
				k.good = &file
			}
		}
		s.files[path] = k
	}
	return k
}

// forget forgets files, and reports whether it knew any.
func (s *shelf) forget(paths []string) bool {
	forgotten := false
	for _, path := range paths {
		if _, has := s.files[path]; has {
			delete(s.files, path)
			s.memory.Delete(path)
			s.changed[path], forgotten = true, true
		}
	}
	return forgotten
}

// keep forgets what is remembered of files that are not there.
func (s *shelf) keep(there func(path string) bool) {
	for path := range s.memory.Keys() {
		if !there(path) {
			s.memory.Delete(path)
		}
	}
}

// together is what all files declare together now.
type together struct {
	world    World           // its services go on changing
	touched  map[string]bool // services that may be others than the last time
	problems []v1.Problem    // sorted by place
	broken   int             // files of which not all counts that they say now
}

// link puts the files together and remembers those that are good. What is good from now on was
// there before all that comes, also after a restart: so it is put together once more, as long
// as that makes a difference.
func (s *shelf) link() (now together) {
	for path := range s.changed {
		if k := s.files[path]; k != nil {
			s.linker.set(s.candidate(path, k))
		} else {
			s.linker.drop(fileKey{path: path})
		}
	}
	s.changed = map[string]bool{}
	for again := true; again; {
		now.problems = s.linkTree()
		again = s.settle()
	}
	now.world, now.touched = s.linker.world, s.linker.touched
	s.linker.touched = map[string]bool{}
	broken := s.linker.broken()
	now.broken = len(broken)
	now.world.addUnread(s.unread(broken))
	return now
}

// candidate returns a file as it may enter the world.
func (s *shelf) candidate(path string, k *known) Candidate {
	c := Candidate{Path: path, Current: k.now != nil, wrong: k.problems, named: k.named}
	if k.now != nil {
		c.Versions = append(c.Versions, *k.now)
		c.Settled = bytes.Equal(s.memory.Get(path), k.text)
	}
	if k.good != nil && !c.Settled {
		c.Versions = append(c.Versions, *k.good)
		c.Settled = k.now == nil
	}
	return c
}

// settle remembers what is good of the files that were linked, and reports whether that could
// change what they make together.
func (s *shelf) settle() (again bool) {
	var good []Candidate
	for m := range s.linker.linked {
		if m.tree || !m.whole() {
			continue
		}
		k := s.files[m.Path]
		k.good = k.now
		if before, has := s.memory.Lookup(m.Path); !has || !bytes.Equal(before, k.text) {
			s.memory.Set(m.Path, k.text)
		}
		good = append(good, s.candidate(m.Path, k))
	}
	s.linker.linked = map[*member]bool{}
	settled := false
	for _, c := range good {
		settled = s.linker.set(c) || settled
	}
	if !s.refused {
		s.bring(s.tree)
	}
	return len(s.linker.loose) > 0 || s.refused && settled
}

// stays reports whether there is an earlier, good version of what stands at a place that is
// wrong: of the file, or of the repository as a whole.
func (s *shelf) stays(at v1.Origin) bool {
	if k := s.files[at.File]; k != nil && at.Commit == "" {
		return k.good != nil
	}
	return s.standing != nil
}

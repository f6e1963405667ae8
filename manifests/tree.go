package manifests

import (
	"bytes"
	"slices"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// Tree is all files of a repository at one commit, which count together or not
// at all: a commit is one wish. A Tree that was handed on is never changed again.
type Tree struct {
	Commit string `json:"commit"`
	Author string `json:"author,omitempty"` // of the commit, as it says itself, for people
	// Subject is the first line of what the commit says of itself, for people.
	Subject string    `json:"subject,omitempty"`
	Made    time.Time `json:"made"` // when the commit was made, as it says itself
	// Terms tell what the tree was taken under: which repository, ref and path, and
	// whose signatures. What is remembered counts under the same terms alone.
	Terms  string `json:"terms"`
	Leaves []Leaf `json:"leaves"` // sorted by path
	// Problems are files that can't be read, sorted by place.
	Problems []v1.Problem `json:"-"`
}

// Leaf is one file of a Tree.
type Leaf struct {
	Path string `json:"path"` // within the repository
	Text []byte `json:"text"`
	// Commit is that with which the file came to say this; "" means the tree's own.
	Commit string `json:"commit,omitempty"`
	// Author is that commit's, as it says itself.
	Author string `json:"author,omitempty"`
}

// grove is a Tree, understood.
type grove struct {
	Tree
	files    []File // one for each leaf; without objects where the leaf is no manifest
	problems []v1.Problem
	wrong    map[string]bool // leaves that are no manifests, by path
	holds    map[string]int  // how many guards leaves hold, of those that hold any; nil before anybody asked
}

// grow reads a tree. What it shares with the one before keeps its reading, and
// the commit that it came with.
func grow(tree Tree, before *grove) *grove {
	g := &grove{Tree: tree, problems: slices.Clone(tree.Problems), wrong: map[string]bool{}}
	g.Leaves = slices.Clone(tree.Leaves)
	g.files = make([]File, len(g.Leaves))
	known := map[string]int{}
	if before != nil {
		for i, leaf := range before.Leaves {
			known[leaf.Path] = i
		}
	}
	problems := make([][]v1.Problem, len(g.Leaves))
	each(len(g.Leaves), func(i int) {
		leaf := &g.Leaves[i]
		if at, has := known[leaf.Path]; has && !before.wrong[leaf.Path] && bytes.Equal(before.Leaves[at].Text, leaf.Text) {
			leaf.Commit, leaf.Author = before.Leaves[at].Commit, before.Leaves[at].Author
			g.files[i] = before.files[at]
			return
		}
		if leaf.Commit == "" {
			leaf.Commit, leaf.Author = tree.Commit, tree.Author
		}
		g.files[i], problems[i] = declare(v1.Origin{File: leaf.Path, Commit: leaf.Commit, Author: leaf.Author}, leaf.Text)
	})
	for i, found := range problems {
		if g.problems = append(g.problems, found...); len(found) > 0 {
			g.wrong[g.Leaves[i].Path] = true
		}
	}
	return g
}

// candidates returns the files of a tree as they may enter the world. standing is
// the tree that counts so far.
func (g *grove) candidates(standing *grove) []Candidate {
	settled := map[string]string{} // by path, the commit with which the file that counts came
	if standing != nil {
		for _, leaf := range standing.Leaves {
			settled[leaf.Path] = leaf.Commit
		}
	}
	out := make([]Candidate, 0, len(g.Leaves))
	for i, leaf := range g.Leaves {
		if g.wrong[leaf.Path] {
			continue
		}
		out = append(out, Candidate{
			Path: leaf.Path, Versions: []File{g.files[i]}, Current: true, Settled: settled[leaf.Path] == leaf.Commit && leaf.Commit != "", tree: true,
		})
	}
	return out
}

// plant takes in a tree, and reports whether it is another than before.
func (s *shelf) plant(tree *Tree) bool {
	if tree == nil || s.tree != nil && s.tree.Commit == tree.Commit && s.tree.Terms == tree.Terms {
		return false
	}
	s.tree, s.steps = grow(*tree, s.standing), map[[2]brought]step{}
	return true
}

// linkTree puts the files of folders together with those of the tree, and returns what is
// wrong with them. A tree that is wrong anywhere leaves the one that was good before
// standing, whole; where there was none, what is right in it counts.
func (s *shelf) linkTree() []v1.Problem {
	s.bring(s.tree)
	s.linker.link()
	if s.tree == nil {
		return s.linker.problems
	}
	s.faults = slices.Concat(s.tree.problems, ofTree(s.linker.problems))
	if s.refused = len(s.faults) > 0; !s.refused {
		s.standing = s.tree
		return s.linker.problems
	}
	if s.standing != nil && s.standing != s.tree {
		s.bring(s.standing)
		s.linker.link()
	}
	return slices.Compact(sorted(slices.Concat(s.linker.problems, s.faults)))
}

// brought is a tree whose files are among those that are linked, and which one counted then.
type brought struct{ tree, standing *grove }

// step is what is to be done to have another tree's files linked.
type step struct {
	set  []Candidate
	drop []fileKey
}

// bring has the files of a tree linked, instead of those of another one. As long as a commit
// is refused that happens to and fro at each change, and what differs is looked for once.
func (s *shelf) bring(g *grove) {
	next := brought{g, s.standing}
	if g == nil || s.brought == next {
		return
	}
	way := [2]brought{s.brought, next}
	known, has := s.steps[way]
	if !has {
		known = s.brought.step(next)
		s.steps[way] = known
	}
	for _, c := range known.set {
		s.linker.set(c)
	}
	for _, at := range known.drop {
		s.linker.drop(at)
	}
	s.brought = next
}

// step returns what differs between the files of two trees.
func (b brought) step(next brought) (out step) {
	before := map[string]Candidate{}
	if b.tree != nil {
		for _, c := range b.tree.candidates(b.standing) {
			before[c.Path] = c
		}
	}
	for _, c := range next.tree.candidates(next.standing) {
		if known, has := before[c.Path]; !has || !c.same(&known) {
			out.set = append(out.set, c)
		}
		delete(before, c.Path)
	}
	for path := range before {
		out.drop = append(out.drop, fileKey{tree: true, path: path})
	}
	return out
}

// commits returns that of the tree that counts, and that of a newer one which does not.
func (s *shelf) commits() (counts, refused string) {
	if s.tree != nil && s.refused {
		refused = s.tree.Commit
	}
	if s.standing != nil {
		counts = s.standing.Commit
	}
	return counts, refused
}

// count returns how many files there are, and how many of them are wrong.
func (s *shelf) count(broken int) (files, wrong int) {
	files, wrong = len(s.files), broken
	if s.tree != nil {
		said := map[string]bool{}
		for _, problem := range s.faults {
			said[problem.Origin.File] = true
		}
		files, wrong = files+len(s.tree.Leaves), wrong+len(said)
	}
	return files, wrong
}

// ofTree returns the problems of files in a repository.
func ofTree(problems []v1.Problem) []v1.Problem {
	var out []v1.Problem
	for _, problem := range problems {
		if problem.Origin.Commit != "" {
			out = append(out, problem)
		}
	}
	return out
}

// Package repository is the source that follows a git repository. Package
// manifests/git does the work; here it gets the form of a source, so that its
// health is shown and nothing is concluded before it has loaded.
//
// In: commits. Out: trees of files, to the source of manifests (folder), which
// puts them together with those of folders. Its own deltas are empty.
package repository

import (
	"context"

	"github.com/lockstep/lockstep/controller/snapshot"
	"github.com/lockstep/lockstep/controller/source"
	"github.com/lockstep/lockstep/manifests"
	"github.com/lockstep/lockstep/manifests/git"
)

// Source implements source.Source.
type Source struct {
	repository *git.Repository
	offer      func(*manifests.Tree)
}

// New returns a Source that hands each new tree to offer, which never blocks.
func New(r *git.Repository, offer func(*manifests.Tree)) *Source {
	return &Source{repository: r, offer: offer}
}

// Run implements source.Source.
func (s *Source) Run(ctx context.Context, poke func()) error {
	return s.repository.Run(ctx, s.offer, poke)
}

// Take implements source.Source.
func (*Source) Take() snapshot.Delta { return snapshot.Delta{} }

// State implements source.Source.
func (s *Source) State() source.State {
	state := s.repository.State()
	return source.State{
		Name: "git", Loaded: state.Loaded, Connected: state.Loaded && state.Error == "",
		Synced: state.Asked, Error: state.Error, Commit: state.Commit, Problems: state.Problems,
	}
}

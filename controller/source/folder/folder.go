// Package folder is the source of what manifests in folders declare. Package
// manifests does the work; here it gets the form of a source.
//
// In: files in folders. Out: a snapshot.Delta with the services that changed, and
// what belongs to no service.
package folder

import (
	"context"

	"github.com/lockstep/lockstep/controller/snapshot"
	"github.com/lockstep/lockstep/controller/source"
	"github.com/lockstep/lockstep/manifests"
)

// Source implements source.Source.
type Source struct {
	watcher *manifests.Watcher
	taken   bool
}

// New returns a Source that has not begun.
func New(o manifests.Options) *Source { return &Source{watcher: manifests.New(o)} }

// Run implements source.Source.
func (s *Source) Run(ctx context.Context, poke func()) error { return s.watcher.Run(ctx, poke) }

// Offer hands over what a repository says from now on; see manifests.Watcher.
func (s *Source) Offer(tree *manifests.Tree) { s.watcher.Offer(tree) }

// Take implements source.Source.
func (s *Source) Take() snapshot.Delta {
	news := s.watcher.Take()
	delta := snapshot.Delta{Declared: news.Services, Shared: news.Shared, Policies: news.Policies, Seen: news.Seen}
	if !s.taken && !delta.Empty() {
		s.taken, delta.Full = true, true
	}
	return delta
}

// State implements source.Source.
func (s *Source) State() source.State {
	state := s.watcher.State()
	return source.State{
		Name: "manifests", Loaded: state.Loaded, Connected: state.Loaded && state.Error == "",
		Synced: state.Synced, Error: state.Error, Problems: state.Problems, Commit: state.Commit, Refused: state.Refused,
	}
}

// String names the folders.
func (s *Source) String() string { return s.watcher.String() }

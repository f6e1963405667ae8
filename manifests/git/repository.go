package git

import (
	"fmt"
	"slices"
	"sync"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/manifests"
)

// State is how a Repository is doing.
type State struct {
	Loaded   bool         // a tree was offered
	Asked    time.Time    // when the repository last answered
	Commit   string       // what the ref pointed to then
	Error    string       // why it does not answer, or has nothing to offer; "" when all is well
	Problems []v1.Problem // why the newest commit is not taken
}

// Repository follows a ref. State and Pull may be called from any goroutine.
type Repository struct {
	options Options
	remote  remote
	address address
	pull    chan struct{}
	gap     time.Duration // the least between two looks
	texts   texts         // of the commit that was read last; those of Run alone

	mu     sync.Mutex
	state  State
	terms  string         // that the known commit was looked at under
	counts manifests.Tree // without leaves
	behind time.Time      // since when the ref points to what does not count; zero: it does not
}

// New returns a Repository that has not begun. The options must have been checked.
func New(o Options) (*Repository, error) {
	a, err := parseAddress(o.URL)
	if err != nil {
		return nil, fmt.Errorf("--git-url: %w", err)
	}
	in, err := o.access()
	if err != nil {
		return nil, err
	}
	if o.Scratch != "" {
		if err := sweep(o.Scratch); err != nil {
			return nil, err
		}
	}
	r := &Repository{options: o, address: a, pull: make(chan struct{}, 1), gap: leastGap}
	if r.remote = newServer(a, in, o.Scratch); a.scheme == inFile {
		r.remote = local{a.path}
	}
	if tree := r.Remembered(); tree != nil {
		r.Counts(tree)
	}
	r.register(o.Registerer)
	if a.scheme == overHTTP {
		o.Log.Warn("whoever is between can read and change what this repository says; use https, or --git-signed-by", "flag", "--git-url")
	}
	return r, nil
}

// Remembered returns the tree that was remembered when it was taken under the
// same terms; else nil.
func (r *Repository) Remembered() *manifests.Tree {
	_, terms, err := r.trust()
	if r.options.Memory == nil || err != nil || r.options.Memory.Terms != terms {
		return nil
	}
	return r.options.Memory
}

// Pull asks for a look at once. It never blocks.
func (r *Repository) Pull() {
	select {
	case r.pull <- struct{}{}:
	default:
	}
}

// State returns how the following goes.
func (r *Repository) State() State {
	r.mu.Lock()
	defer r.mu.Unlock()
	state := r.state
	state.Problems = slices.Clone(state.Problems)
	if !state.Loaded && state.Error != "" { // which says it
		state.Problems = nil
	}
	return state
}

// Counts takes in which tree counts from now on.
func (r *Repository) Counts(tree *manifests.Tree) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts = *tree
	r.counts.Leaves = nil
	r.compare()
}

// compare notes since when the ref points to what does not count. The lock is held.
func (r *Repository) compare() {
	switch {
	case r.state.Commit == "" || r.state.Commit == r.counts.Commit:
		r.behind = time.Time{}
	case r.behind.IsZero():
		r.behind = time.Now()
	}
}

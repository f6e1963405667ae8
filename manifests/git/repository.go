package git

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing/object"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/manifests"
)

// How looks follow each other.
const (
	lookFor    = 3 * time.Minute // the most that one may take
	retryFirst = 2 * time.Second // after the first failure, then twice as long
	retryMost  = time.Minute
	leastGap   = time.Second // between two looks, however often somebody pulls
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

// Run follows the ref until ctx ends and returns its cause. It calls offer with
// each new tree, and poke whenever State has news; neither may block.
func (r *Repository) Run(ctx context.Context, offer func(*manifests.Tree), poke func()) error {
	impatient := time.AfterFunc(r.options.Patience, func() { r.recall(offer, poke) })
	defer impatient.Stop()
	retry := retryFirst
	for {
		wait := r.options.Interval
		if r.look(ctx, offer) {
			retry = retryFirst
		} else {
			if wait == 0 || retry < wait {
				wait = retry
			}
			retry = min(2*retry, retryMost)
		}
		r.recall(offer, poke)
		poke()
		if err := r.rest(ctx, wait); err != nil {
			return err
		}
	}
}

// rest waits for so long, 0 for ever, or until somebody pulls; but never less than
// the gap.
func (r *Repository) rest(ctx context.Context, wait time.Duration) error {
	least := time.NewTimer(r.gap)
	defer least.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-least.C:
	}
	var over <-chan time.Time
	if wait > 0 {
		timer := time.NewTimer(wait - r.gap) // at once when that is negative
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-over:
	case <-r.pull:
	}
	return nil
}

// recall offers what is remembered when nothing else was offered yet.
func (r *Repository) recall(offer func(*manifests.Tree), poke func()) {
	tree := r.Remembered()
	r.mu.Lock()
	defer r.mu.Unlock()
	if tree == nil || r.state.Loaded {
		return
	}
	r.state.Loaded = true
	offer(tree)
	poke()
}

// trust returns whose commits are taken, nil for everybody's, and what a tree that
// is taken now is taken under.
func (r *Repository) trust() (*signers, string, error) {
	parts := []string{r.options.URL, r.options.Ref, r.options.Path}
	var by *signers
	if r.options.SignedBy != "" {
		s, err := readSigners(r.options.SignedBy)
		if err != nil {
			return nil, "", fmt.Errorf("--git-signed-by: %w", err)
		}
		by, parts = &s, append(parts, s.sum)
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return by, hex.EncodeToString(sum[:]), nil
}

// look asks once, offers what is new, and reports whether the repository answered.
func (r *Repository) look(ctx context.Context, offer func(*manifests.Tree)) bool {
	by, terms, err := r.trust()
	if err != nil {
		return r.failed(err)
	}
	known := r.known(terms)
	ctx, cancel := context.WithTimeoutCause(ctx, lookFor, fmt.Errorf("%s are over: %w", lookFor, os.ErrDeadlineExceeded))
	defer cancel()
	tree, refused := manifests.Tree{}, error(nil)
	before, after := r.texts, texts(nil) // the reading may outlive the look
	tip, err := r.remote.look(ctx, r.options.Ref, known, func(commit *object.Commit) error {
		if by != nil {
			refused = by.check(commit)
		}
		if refused != nil {
			return nil //nolint:nilerr // the look went well; the commit is told of apart
		}
		var err error
		tree, after, err = gather(commit, r.options.Path, before)
		tree.Terms = terms
		if why, is := errors.AsType[*unfitError](err); is {
			refused = why
			return nil
		}
		return err
	})
	if why, is := errors.AsType[*unfitError](err); is && tip != "" { // asking again for the same would be in vain
		refused, err = why, nil
	}
	if err != nil {
		return r.failed(err)
	}
	if after != nil {
		r.texts = after
	}
	if r.answered(tip, terms, refused); tip != known && refused == nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.state.Loaded, r.state.Error = true, ""
		offer(&tree)
	}
	return true
}

// known returns the commit that need not be looked at again; "" when there is none.
func (r *Repository) known(terms string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.terms == terms:
		return r.state.Commit
	case !r.state.Loaded && r.options.Memory != nil && r.options.Memory.Terms == terms:
		return r.options.Memory.Commit
	}
	return ""
}

// answered takes in what the ref points to, and why that is not taken.
func (r *Repository) answered(tip, terms string, refused error) {
	remembered := r.Remembered() != nil
	r.mu.Lock()
	defer r.mu.Unlock()
	if again := tip == r.state.Commit && terms == r.terms; !again {
		r.state.Problems = nil
	}
	r.state.Asked, r.state.Commit, r.terms = time.Now(), tip, terms
	taken := r.state.Loaded || remembered
	if refused != nil {
		problem := v1.Problem{
			Reason: v1.InvalidManifest, Origin: v1.Origin{Commit: tip}, Message: "the commit is not taken: " + v1.OneLine(refused.Error()),
			Fix: "push a commit that is signed by a key in --git-signed-by",
		}
		if isID(r.options.Ref) {
			problem.Fix = "name a commit with --git-ref that is signed by a key in --git-signed-by"
		}
		if unfit, is := errors.AsType[*unfitError](refused); is {
			problem.Message, problem.Fix = "the commit is not taken: "+v1.OneLine(unfit.why), unfit.fix
		}
		if taken { // else State has it as its error, which is told by whoever reads that
			problem.Fix += "; what was taken before stays"
			r.options.Log.Warn("commit is not taken; what was taken before stays", "problem", problem.Error())
		}
		r.state.Problems = []v1.Problem{problem}
	}
	r.state.Error = ""
	if !taken && len(r.state.Problems) > 0 {
		r.state.Error = r.state.Problems[0].Error()
	}
	r.compare()
}

// failed takes in that a look came to nothing.
func (r *Repository) failed(err error) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state.Error = fmt.Sprintf("%s can't be followed: %s", r.options.URL, explain(err, r.address))
	return false
}

// unfitError says of a commit that it can't be taken, whatever else is done.
type unfitError struct{ why, fix string }

func (e *unfitError) Error() string { return e.why + "; " + e.fix }

// unfit returns an unfitError; fix says what to do.
func unfit(fix, format string, parts ...any) error {
	return &unfitError{why: fmt.Sprintf(format, parts...), fix: fix}
}

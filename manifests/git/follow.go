package git

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
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

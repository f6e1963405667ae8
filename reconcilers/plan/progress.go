package plan

import "sync/atomic"

// Progress says how far a plan is while it is being applied. Its methods may be called
// by many goroutines at once, and cost next to nothing; nobody is woken. Of a nil one
// nobody wants to know.
type Progress struct {
	done  atomic.Int64
	means atomic.Pointer[string]
}

// Step is how far a plan is at one moment.
type Step struct {
	Done  int    // changes that were made, or given up
	Means string // what makes all of the rest at once, as "push" or "reload"; "" when each is made by itself
}

// Add says that n changes more were made, or given up.
func (p *Progress) Add(n int) {
	if p != nil {
		p.done.Add(int64(n))
	}
}

// AtOnce says that the rest is being made all at once, and by what.
func (p *Progress) AtOnce(means string) {
	if p != nil {
		p.means.Store(&means)
	}
}

// Now returns how far it is.
func (p *Progress) Now() Step {
	if p == nil {
		return Step{}
	}
	step := Step{Done: int(p.done.Load())}
	if means := p.means.Load(); means != nil {
		step.Means = *means
	}
	return step
}

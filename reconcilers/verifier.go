package reconcilers

import (
	"context"
	"time"
)

// Verifier is implemented by a reconciler whose gateway serves some changes only a while
// after it has accepted them, and that can ask the gateway itself whether it does.
//
// What is accepted has a number, its generation, which outcomes of Apply bear
// (plan.Outcome.Generation); a later one is higher. What Observe finds at the start is a
// generation as well.
type Verifier interface {
	// Verifies reports whether the gateway can be asked at all. The answer does not
	// change. While it is false, outcomes bear no generation.
	Verifies() bool
	// Verify asks the gateway for as long as something is accepted and not known to be
	// served, and calls tell (which never blocks) whenever something else is known. It
	// returns when ctx ends. It runs beside the other methods, holds up none of them,
	// writes nothing, and reaches no instance.
	Verify(ctx context.Context, tell func(Verification)) error
}

// Verification is what is known of whether a gateway serves what it has accepted.
type Verification struct {
	// Accepted is the newest generation; 0 before there is one.
	Accepted uint64
	// Verified is the newest one that is known to be served, with all before it; 0 for none.
	Verified uint64
	// Within is how long the gateway takes to serve what it accepted, by its own
	// settings; 0 when that is not known.
	Within time.Duration
	// Problem says why it can't be told whether the newest is served; "" while it can.
	Problem string
	// Fix says what to do about that.
	Fix string
}

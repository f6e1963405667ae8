package reconcilertest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// Harness says how the suite gets gateways of one kind.
type Harness struct {
	// New makes a fresh, empty gateway that ends with the test.
	New func(t testing.TB) *Gateway
	// Seeds are the random walks to take; default 1, 2 and 3.
	Seeds []uint64
	// Events is the length of a walk; default 250.
	Events int
	// Certificates says that the gateway keeps certificates too: they change along the walks.
	Certificates bool
	// Listeners says that the gateway opens Listeners: they change along the walks.
	Listeners bool
	// Streams says that the gateway passes TLS on by name: some services take it.
	Streams bool
	// Entities says that the gateway is a Kong: so does what is declared in its own words.
	Entities bool
}

// Gateway is one gateway under test. Open, World and Writes are required.
type Gateway struct {
	// Open returns a new reconciler on this gateway, as a daemon that starts with
	// the same state directory has it. The suite closes the one before it first.
	Open func() (reconcilers.Reconciler, error)
	// World renders everything that the gateway holds as text: the same text for
	// the same content, however it came about.
	World func() string
	// Writes counts the calls, commands and file changes so far that could change the gateway.
	Writes func() int

	// Plant puts objects of a stranger into the gateway, and Strangers renders them
	// as they are now, byte for byte. Nil when the gateway has no room for strangers.
	Plant     func() error
	Strangers func() string

	// Estrange makes something of ours a stranger's, as it is or made anew: pick returns
	// a number below n. Along the walks it is adopted again. Nil when nothing can be
	// adopted; World then tells nothing of ids.
	Estrange func(pick func(n int) int) (string, error)

	// Break makes calls fail from the after-th next one on, until Heal. Nil when
	// faults can't be injected.
	Break func(after int)
	Heal  func()
}

// bench is a gateway with the reconciler that is open on it.
type bench struct {
	*Gateway
	reconciler reconcilers.Reconciler
	// shared is what rounds get beside the services.
	shared v1.Shared
}

func newBench(tb testing.TB, h Harness) *bench {
	tb.Helper()
	b := &bench{Gateway: h.New(tb)}
	if err := b.reopen(); err != nil {
		tb.Fatalf("open a reconciler on a fresh gateway: %v", err)
	}
	tb.Cleanup(func() {
		if err := b.reconciler.Close(); err != nil {
			tb.Errorf("close the reconciler: %v", err)
		}
	})
	return b
}

// reopen is a restart of the daemon.
func (b *bench) reopen() error {
	if b.reconciler != nil {
		if err := b.reconciler.Close(); err != nil {
			return fmt.Errorf("close the reconciler: %w", err)
		}
	}
	next, err := b.Open()
	if err != nil {
		return fmt.Errorf("open a reconciler: %w", err)
	}
	b.reconciler = next
	return nil
}

// result is what one round found and did.
type result struct {
	Desired  plan.State
	Observed plan.State
	Plan     plan.Plan
	Outcomes []plan.Outcome
}

// round is the controller's, without the guard: observe, compile, diff, apply.
func (b *bench) round(ctx context.Context, scope reconcilers.Scope, set v1.Set) (result, error) {
	observed, err := b.reconciler.Observe(ctx, scope)
	if err != nil {
		return result{}, fmt.Errorf("observe: %w", err)
	}
	desired, problems := b.reconciler.Compile(scope, set, b.shared)
	if len(problems) > 0 {
		return result{}, fmt.Errorf("compile: %w", problems[0])
	}
	r := result{Desired: desired, Observed: observed, Plan: plan.Diff(observed, desired)}
	if r.Plan.Empty() {
		return r, nil
	}
	r.Plan.Progress = &plan.Progress{}
	r.Outcomes, err = b.reconciler.Apply(ctx, r.Plan)
	if err != nil {
		return r, fmt.Errorf("apply: %w", err)
	}
	return r, nil
}

// settle is a full round in which every change must be made.
func (b *bench) settle(ctx context.Context, set v1.Set) (result, error) {
	return b.must(ctx, reconcilers.Scope{}, set)
}

func (b *bench) must(ctx context.Context, scope reconcilers.Scope, set v1.Set) (result, error) {
	r, err := b.round(ctx, scope, set)
	if err != nil {
		return r, err
	}
	if err := complete(r); err != nil {
		return r, err
	}
	for _, outcome := range r.Outcomes {
		if outcome.Problem != nil {
			return r, fmt.Errorf("%s: %w", outcome.Change.Sentence(), outcome.Problem)
		}
	}
	return r, nil
}

// complete checks that there is one outcome for each change, and that progress came to
// its end.
func complete(r result) error {
	if step := r.Plan.Progress.Now(); r.Plan.Progress != nil && step.Means == "" && step.Done != len(r.Plan.Changes) || step.Done > len(r.Plan.Changes) {
		return fmt.Errorf("progress ended at %d of %d changes", step.Done, len(r.Plan.Changes))
	}
	told := map[v1.Key]plan.Op{}
	for _, outcome := range r.Outcomes {
		if _, twice := told[outcome.Change.Key]; twice {
			return fmt.Errorf("two outcomes for %s", outcome.Change.Key)
		}
		told[outcome.Change.Key] = outcome.Change.Op
	}
	for _, change := range r.Plan.Changes {
		if told[change.Key] != change.Op {
			return fmt.Errorf("no outcome for: %s", change.Sentence())
		}
	}
	if len(r.Outcomes) != len(r.Plan.Changes) {
		return fmt.Errorf("%d outcomes for %d changes", len(r.Outcomes), len(r.Plan.Changes))
	}
	return nil
}

// Sentences renders a plan as one sentence a line.
func Sentences(p plan.Plan) string {
	var text strings.Builder
	for _, change := range p.Changes {
		text.WriteString(change.Sentence() + "\n")
	}
	return text.String()
}

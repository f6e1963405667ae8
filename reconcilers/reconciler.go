// Package reconcilers defines the port that every gateway implements, and the
// policies that stand between a plan and a gateway: Drift, which leaves what somebody
// else changed where that is to be reported, and the Guard, which keeps a mistake from
// removing everything.
//
// In: a v1.Set, what one gateway should hold. Out: outcomes, what became of
// each change. kong and haproxy implement the port; reconcilertest holds the
// suite that both must pass.
package reconcilers

import (
	"context"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// Scope narrows a round to some services. The same code runs on the narrowed
// input as on the whole, so that the fast path can't disagree with the full round.
type Scope struct {
	// Services are names, sorted; nil means all of them and what belongs to none.
	Services []string
	// Fresh asks Observe to read the gateway itself; otherwise it may answer
	// from what it knows. The first Observe is always fresh.
	Fresh bool
}

// All reports whether the scope covers every service.
func (s Scope) All() bool { return s.Services == nil }

// Reconciler keeps one gateway. Its methods are called by one goroutine at a time.
type Reconciler interface {
	// Compile translates desired services to the gateway's objects. No I/O, and
	// the same state for the same input and the same that was last observed: it
	// comes after Observe, from which it may know what the gateway can do. set holds exactly the services of the scope that are
	// desired; shared belongs to no service, and counts with a scope of all: within a
	// narrow one, only what of it comes and goes with a service of the scope. What the
	// gateway can't express is left out and named by a problem.
	Compile(scope Scope, set v1.Set, shared v1.Shared) (plan.State, []v1.Problem)
	// Observe returns what the gateway holds of ours within the scope. Objects of
	// others never appear. An error means that nothing can be said at all.
	Observe(ctx context.Context, scope Scope) (plan.State, error)
	// Apply makes the changes, in the plan's order where they depend on each
	// other, and returns one outcome for each change. It is idempotent: creating
	// what exists and deleting what is absent is fine. It honours ctx's end; what
	// was not tried then is an outcome with GatewayUnreachable. The error is for
	// what concerns no single change. Meanwhile it tells p.Progress of each change that is
	// made or given up, once, and of what makes many at once.
	Apply(ctx context.Context, p plan.Plan) ([]plan.Outcome, error)
	// Close lets go of connections. The gateway goes on serving.
	Close() error
}

// Forecaster is implemented by a reconciler whose gateway takes some changes over
// by a reload only.
type Forecaster interface {
	// Forecast returns the plan with Reload set where a change needs one, as things
	// were when they were last observed. It changes nothing.
	Forecast(p plan.Plan) plan.Plan
}

// Contested is implemented by a reconciler whose gateway bears the mark of the one that
// writes to it.
type Contested interface {
	// Rival returns the Conflict for which changes would be refused, as another writes to
	// the gateway, as far as is known since it was last observed; nil where none does.
	Rival() *v1.Problem
}

// Live is what a gateway itself knows of an instance at this moment.
type Live struct {
	// Sessions is how many sessions it has.
	Sessions int
	// Down says why the gateway gives it nothing though it should: its own check
	// fails, or has not passed yet; "" when it does.
	Down string
	// Fix says what to do about that.
	Fix string
	// State is the gateway's own word for how it stands with the instance; "" where it has none.
	State string
}

// Inspector is implemented by a reconciler that can ask its gateway about instances.
type Inspector interface {
	// Inspect returns what the gateway knows of a service's instances, by the id of the
	// endpoint; one may be missing. It changes nothing.
	Inspect(ctx context.Context, service string) (map[string]Live, error)
}

// Configuration is how a gateway is configured.
type Configuration struct {
	// Known is false while it has never answered; then the rest says nothing.
	Known bool
	// Whole says that it takes all that it holds at once, so that each change costs as much
	// as all of them.
	Whole bool
	// Absent says that a part of it did not answer when it was last observed, and goes on with what
	// it had.
	Absent bool
}

// Configured is implemented by a reconciler whose gateway can be configured in several ways.
type Configured interface {
	// Configuration returns how it was found to be. It asks nobody, and comes after Observe.
	Configuration() Configuration
}

// Keeper is implemented by a reconciler that keeps its gateway running.
type Keeper interface {
	// Revives reports whether a change only brings a gateway back that died, as it
	// was: also one that is to be left alone must serve.
	Revives(c plan.Change) bool
	// End ends the gateway for good, where this reconciler is what keeps it running: one
	// that somebody else runs goes on.
	End(ctx context.Context) error
}

// Renderer is implemented by a reconciler that can write down what its gateway is to
// hold, in the gateway's own words.
type Renderer interface {
	// Render returns the files, without secrets, in the order in which they are read, and
	// what could not be said in them. It comes after Observe, from which it may know what
	// the gateway can do. It changes nothing.
	Render(set v1.Set, shared v1.Shared) ([]File, []v1.Problem, error)
}

// File is one file of what a gateway is to hold.
type File struct {
	// Name is what it is called.
	Name string `json:"name"`
	// Path is where the gateway reads it, as other files name it; "" where that is nowhere.
	Path string `json:"path,omitempty"`
	Text string `json:"text"` // all that stands in it
}

// Watcher is implemented by a reconciler that can notice by itself that its
// gateway changed behind its back: a process that died, a reload by another.
type Watcher interface {
	// Watch blocks until ctx ends and calls poke (which never blocks) whenever a
	// fresh round over all services is due.
	Watch(ctx context.Context, poke func()) error
}

package kong

import (
	"context"
	"fmt"
	"maps"
	"sync/atomic"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/kong/admin"
	"github.com/lockstep/lockstep/reconcilers/kong/compile"
	"github.com/lockstep/lockstep/reconcilers/kong/declaration"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/kong/proof"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// Reconciler keeps one Kong, or one cluster of nodes over a database.
type Reconciler struct {
	names   entity.Namer
	options Options
	rows    []*entity.Row
	client  *admin.Client
	health  health // shared with the watcher

	// What is known of Kong; owned by the caller's goroutine.
	facts      *facts                // nil: to be asked
	last       *facts                // as they were when last asked: a version's schemas are read once
	kindsAsked time.Time             // when Kong was last asked for the kinds that it does not know
	held       map[string]plan.State // what Kong holds of ours, by service; nil: to be read
	stale      bool                  // held may be wrong: the next Observe reads
	guests     map[string][]string   // by the upstream's key: addresses of a stranger's targets in it
	// adopting are the ids of a stranger's entities, and of a node without a database
	// the hash, that the next Apply may make ours.
	adopting map[string]bool
	mark     mark
	tally    proof.Tally // of what of it its workers serve only a while after

	verifier *proof.Verifier // shared with Verify; nil: nobody asks

	// For Witness alone.
	left   map[string]plan.State // what was held before Kong was last read, less what was written since; nil: it was told
	unsure map[v1.Key]string     // objects of which nobody knows what a write made, and their services

	// Those that must have issued the certificates of instances.
	stamp       atomic.Pointer[string] // of their files, as they were last read; the watcher's too
	authorities map[string][]string    // in PEM, by name, as they were last read
	unread      map[string]string      // what was last said of those that can't be read

	// Without a database.
	file     *declaration.File              // what else it is to hold, as it is followed
	leads    bool                           // nobody else follows it
	base     *declaration.Base              // the same, as it was when Kong was last read; nil for nothing
	there    *declaration.Base              // what of that was last pushed
	stranger string                         // what the node holds that is not ours; "" for nothing
	refused  map[string]declaration.Refused // payloads that Kong refused, by digest
	pushed   time.Time                      // when a payload was last sent
	open     map[v1.Key]bool                // of several nodes: routes that lead to their services at any
}

var (
	_ reconcilers.Reconciler = (*Reconciler)(nil)
	_ reconcilers.Watcher    = (*Reconciler)(nil)
	_ reconcilers.Verifier   = (*Reconciler)(nil)
)

// New returns a reconciler. It asks Kong nothing yet: a Kong that is down is no
// reason not to start.
func New(o Options) (*Reconciler, error) {
	o, err := o.resolve()
	if err != nil {
		return nil, err
	}
	m := o.metrics
	if m == nil {
		if m, err = newMetrics(o.Registerer); err != nil {
			return nil, err
		}
	}
	c, err := admin.New(o.client(m))
	if err != nil {
		return nil, err
	}
	rows := entity.Table()
	file, leads := o.file, o.file == nil
	if leads {
		if file, err = declaration.Open(rows, o.Base); err != nil {
			return nil, err
		}
	}
	r := &Reconciler{
		file: file, leads: leads, base: file.Current(), names: entity.Namer{Owner: o.Owner, Workspace: o.Workspace, Seal: o.Seal}, options: o, rows: rows, client: c,
		refused: map[string]declaration.Refused{}, unsure: map[v1.Key]string{}, authorities: map[string][]string{}, unread: map[string]string{},
	}
	if err := r.readAuthorities(true); err != nil {
		return nil, err
	}
	if r.Verifies() {
		r.verifier = proof.New(proof.Options{Proxies: o.ProxyURLs, Host: r.names.ProofHost(), Word: r.names.ProofWord(), TLS: o.ProxyTLS, Metrics: m.proxy})
	}
	return r, nil
}

// Close implements reconcilers.Reconciler.
func (r *Reconciler) Close() error {
	r.client.Close()
	return nil
}

// Observe implements reconcilers.Reconciler.
func (r *Reconciler) Observe(ctx context.Context, scope reconcilers.Scope) (plan.State, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("read kong: %w", err)
	}
	if scope.Fresh || r.stale || r.held == nil {
		if err := r.readAuthorities(false); err != nil {
			return nil, err
		}
		r.readBase()
		if err := r.load(ctx); err != nil {
			r.doubt()
			return nil, explain(fmt.Errorf("read kong: %w", err))
		}
		r.stale = false
		r.recognize()
	}
	state := plan.State{}
	if scope.All() {
		for _, objects := range r.held {
			maps.Copy(state, objects)
		}
		r.dated(state)
		if r.replaces() { // there must be something to push, though all of ours may be there
			delete(state, markKey())
		}
		return state, nil
	}
	for _, service := range scope.Services {
		maps.Copy(state, r.held[service])
	}
	return state, nil
}

// load reads everything that Kong holds of ours.
func (r *Reconciler) load(ctx context.Context) error {
	r.adopting = nil
	if err := r.ask(ctx); err != nil {
		return err
	}
	if r.facts.dbless() {
		return r.loadNode(ctx)
	}
	return r.loadDatabase(ctx)
}

// doubt forgets what Kong said of itself: it may come back as another.
func (r *Reconciler) doubt() {
	r.facts, r.stale = nil, true
	r.health.fell()
}

// Compile implements reconcilers.Reconciler.
func (r *Reconciler) Compile(scope reconcilers.Scope, set v1.Set, shared v1.Shared) (plan.State, []v1.Problem) {
	in := compile.Input{
		Names: r.names, Rows: r.rows, Writer: r.options.Writer, Base: r.base.Mark(),
		Offline: r.options.Offline, Unkept: r.options.Unkept, Alone: r.options.Alone, Verified: r.Verifies(),
		Held: r.held, Open: r.open, Issuers: r.authorities, Files: r.options.authorities, All: scope.All(),
		Hop:     r.options.Hop.Keys(),
		Catalog: r.catalog(),
	}
	if r.last != nil {
		in.Streams = r.last.streams
	}
	state, problems := compile.Compile(in, set, shared)
	if wrong := r.file.Problem(); wrong != nil && scope.All() {
		problems = append([]v1.Problem{*wrong}, problems...)
	}
	return state, problems
}

// Apply implements reconcilers.Reconciler.
func (r *Reconciler) Apply(ctx context.Context, p plan.Plan) ([]plan.Outcome, error) {
	if p.Empty() {
		return nil, nil
	}
	err := r.ask(ctx)
	if err == nil && r.held == nil {
		err = r.load(ctx)
	}
	if err == nil {
		err = r.claim(ctx, p)
	}
	if err != nil {
		if ctx.Err() == nil {
			r.doubt()
		}
		return r.untried(p, err)
	}
	r.client.Hide(r.secrets(p))
	apply := r.write
	if r.facts.dbless() {
		apply = r.push
	}
	outcomes, err := apply(ctx, p)
	r.tried(outcomes)
	for i := range outcomes {
		placePlugin(&outcomes[i])
	}
	return outcomes, err
}

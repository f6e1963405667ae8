package kong

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/admin"
	"github.com/lockstep/lockstep/reconcilers/kong/declaration"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/kong/proof"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// The bounds of one Apply without a database: how often the rest is pushed
// after offenders were taken out, and how many refused payloads are remembered.
const (
	maxPushes  = 5
	maxRefused = 64
)

// push makes the changes by one new configuration. Objects that Kong refuses
// stay as they were, or out, with what depends on them; the rest goes through.
func (r *Reconciler) push(ctx context.Context, p plan.Plan) ([]plan.Outcome, error) {
	if r.stranger != "" && !r.replaces() {
		return r.untried(p, admin.Problem(v1.Conflict,
			fmt.Sprintf("the Kong at %s has no database and holds what is neither empty nor Lockstep's: %s; a push would remove it", r.client.Where(), r.stranger),
			"name a declarative file that holds it with --kong-base; see what it is and let it go with: lockstep adopt; or give Lockstep a Kong of its own"))
	}
	current := plan.State{}
	for _, objects := range r.held {
		maps.Copy(current, objects)
	}
	p.Progress.AtOnce("push")
	d := draft{current: current, want: plan.Apply(current, p.Changes), problems: map[v1.Key]*v1.Problem{}, turn: func(rec *entity.Record) *plan.Object {
		return r.object(rec.Held(r.names))
	}}
	for range maxPushes {
		d.complete(r.rows)
		if maps.Equal(d.want, current) {
			return d.outcomes(p, nil), nil // everything that was new is refused
		}
		want := r.proven(d.want)
		why, err := r.send(ctx, want)
		if err != nil {
			r.stale = true
			return r.untried(p, err)
		}
		if why == nil {
			r.there = r.base
			r.file.Took(r.base)
			renewed := r.held[entity.ProofKey] == nil
			r.settle(ctx, want)
			return r.awaited(d.outcomes(p, nil), r.accept(renewed)), nil
		}
		if r.withdraw(&d, why) {
			continue
		}
		if len(why.Offenders) == 0 {
			return d.outcomes(p, asAWhole(why)), nil
		}
		for key, message := range why.Offenders {
			d.takeBack(key, rejected(message))
		}
	}
	return d.outcomes(p, rejected("kong names other objects each time the refused ones are taken out")), nil
}

func rejected(message string) *v1.Problem {
	return &v1.Problem{Reason: v1.GatewayRejected, Gateway: v1.Kong, Message: "kong refuses it: " + message, Fix: "correct the value that kong names"}
}

// asAWhole is the problem with a configuration of which Kong names nothing.
func asAWhole(w *declaration.Refused) *v1.Problem {
	problem := rejected(w.Message)
	if w.TooLarge {
		problem.Fix = "let Kong take more: raise its nginx_admin_client_max_body_size (10m by default), and lmdb_map_size where it names that; or keep fewer services on it"
	}
	return problem
}

// send pushes a configuration. What Kong refused once is not sent again.
func (r *Reconciler) send(ctx context.Context, state plan.State) (*declaration.Refused, error) {
	text, err := declaration.Render(r.rows, state, r.base)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(text))
	digest := hex.EncodeToString(sum[:])
	if why, known := r.refused[digest]; known {
		return &why, nil
	}
	if err := r.pace(ctx); err != nil {
		return nil, err
	}
	r.health.pushing()
	a, err := r.client.Push(ctx, text, r.options.PushTimeout)
	var said *admin.Refusal
	switch {
	case errors.As(err, &said) && (said.Status == http.StatusBadRequest || said.Status == http.StatusRequestEntityTooLarge):
		why := declaration.Blame(said, a.Body, state, r.base)
		why.TooLarge = said.Status == http.StatusRequestEntityTooLarge
		if len(r.refused) >= maxRefused {
			clear(r.refused)
		}
		r.refused[digest] = why
		hash, err := r.nodeHash(ctx)
		if err != nil {
			return nil, err
		}
		r.health.holds(hash)
		return &why, nil
	case err != nil:
		return nil, err
	}
	return nil, nil
}

// pace waits until a push may follow the one before: each costs as much as all that
// the node holds. What changes meanwhile goes along with the next.
func (r *Reconciler) pace(ctx context.Context) error {
	timer := time.NewTimer(r.options.PushInterval - since(r.pushed))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return fmt.Errorf("wait for the next push: %w", context.Cause(ctx))
	case <-timer.C:
	}
	r.pushed = time.Now()
	return nil
}

// settle remembers what the node holds now.
func (r *Reconciler) settle(ctx context.Context, state plan.State) {
	r.held, r.tally, r.stranger = map[string]plan.State{}, proof.Tally{}, ""
	for key, o := range state {
		if rec, ok := o.Native.(*entity.Record); ok {
			r.keep(key, o.Service, r.object(rec))
		}
	}
	r.mark = mark{writer: r.options.Writer, read: time.Now(), mine: true}
	hash, err := r.nodeHash(ctx)
	if err != nil {
		r.stale = true // it is read again with the next round
		return
	}
	r.health.holds(hash)
}

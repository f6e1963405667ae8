package kong

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/kong/admin"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// Owned implements reconcilers.Adopter.
func (r *Reconciler) Owned(ctx context.Context) ([]reconcilers.Adoption, error) {
	observed, err := r.Observe(ctx, reconcilers.Scope{Fresh: true})
	if err != nil {
		return nil, err
	}
	if r.facts.dbless() {
		return nil, admin.Problem(v1.Conflict, "this Kong has no database: what is pushed is all that it holds, so nothing can be given back",
			"keep it by a declarative file with --kong-base")
	}
	out := make([]reconcilers.Adoption, 0, len(observed))
	for _, change := range plan.Diff(nil, observed).Changes { // in order
		rec, ok := change.After.Native.(*entity.Record)
		if !ok || rec.Row.Kind == v1.KindMember { // it bears no tags
			continue
		}
		a := reconcilers.Adoption{
			Gateway: v1.Kong, ID: rec.ID, Names: rec.Names(),
			Change: plan.Change{Op: plan.Delete, Key: change.Key, Before: change.After},
		}
		switch {
		case rec.Key == entity.Reserved:
			a.Refused = "it belongs to Lockstep itself: all routes that are held lead there"
		case rec.Service == entity.ProofKey:
			a.Refused = "it belongs to Lockstep itself: by it Kong's workers prove what they serve"
		}
		out = append(out, a)
	}
	return out, nil
}

// Release implements reconcilers.Adopter.
func (r *Reconciler) Release(ctx context.Context, chosen []reconcilers.Adoption) ([]plan.Outcome, error) {
	p := plan.Plan{}
	for _, a := range chosen {
		p.Changes = append(p.Changes, a.Change)
	}
	if err := r.claim(ctx, plan.Plan{}); err != nil {
		return r.untried(p, err)
	}
	r.stale = true // whatever becomes of it
	outcomes := make([]plan.Outcome, len(chosen))
	for i, change := range p.Changes {
		outcomes[i].Change = change
		rec, ok := change.Before.Native.(*entity.Record)
		if !ok {
			return nil, fmt.Errorf("the object %s was not made by this reconciler", change.Key)
		}
		err := r.giveBack(ctx, rec)
		outcomes[i].Problem = problemOf(err)
		if err == nil {
			r.keep(change.Key, change.Before.Service, nil)
		}
	}
	r.tried(outcomes) // it was no stranger's hand
	return outcomes, nil
}

// giveBack takes our tags off an entity. One that is gone needs none taken off.
func (r *Reconciler) giveBack(ctx context.Context, rec *entity.Record) error {
	tags, _ := rec.Body["tags"].([]any)
	kept := slices.DeleteFunc(slices.Clone(tags), func(tag any) bool { return strings.HasPrefix(fmt.Sprint(tag), entity.OwnTags) })
	if kept == nil {
		kept = []any{}
	}
	_, err := r.client.Do(ctx, admin.Request{Method: http.MethodPatch, Path: rec.Path(r.rows) + "/" + rec.ID, Body: map[string]any{"tags": kept}})
	if admin.IsStatus(err, http.StatusNotFound) {
		return nil
	}
	return err
}

// Owned implements reconcilers.Adopter.
func (n *Nodes) Owned(ctx context.Context) ([]reconcilers.Adoption, error) {
	if _, err := n.Observe(ctx, reconcilers.Scope{}); err != nil {
		return nil, err
	}
	if cluster := n.cluster.Load(); cluster != nil {
		return cluster.Owned(ctx)
	}
	return n.each[0].Owned(ctx)
}

// Release implements reconcilers.Adopter.
func (n *Nodes) Release(ctx context.Context, chosen []reconcilers.Adoption) ([]plan.Outcome, error) {
	if cluster := n.cluster.Load(); cluster != nil {
		return cluster.Release(ctx, chosen)
	}
	return n.each[0].Release(ctx, chosen)
}

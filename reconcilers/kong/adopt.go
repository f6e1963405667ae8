package kong

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

var (
	_ reconcilers.Adopter = (*Reconciler)(nil)
	_ reconcilers.Adopter = (*Nodes)(nil)
)

// Adoptions implements reconcilers.Adopter. With a database: the entities of others in
// the places of what is desired and not there. Without one: what the node holds that a
// push would remove.
func (r *Reconciler) Adoptions(ctx context.Context, set v1.Set, shared v1.Shared) ([]reconcilers.Adoption, error) {
	observed, err := r.Observe(ctx, reconcilers.Scope{Fresh: true})
	if err != nil {
		return nil, err
	}
	if r.facts.dbless() {
		return r.replacements(ctx)
	}
	h, err := r.holders(ctx)
	if err != nil {
		return nil, explain(fmt.Errorf("read kong: %w", err))
	}
	known := r.names.Adopted // what follows supposes that all of it is adopted
	r.names.Adopted = maps.Clone(known)
	defer func() { r.names.Adopted = known }()
	found, p, err := h.rivals(ctx, func() plan.Plan {
		desired, _ := r.Compile(reconcilers.Scope{}, set, shared)
		return plan.Diff(observed, desired)
	})
	if err != nil {
		return nil, explain(fmt.Errorf("read kong: %w", err))
	}
	ids, keys := map[string]bool{}, map[string]string{}
	for _, o := range observed {
		if rec, ok := o.Native.(*entity.Record); ok {
			keys[rec.ID] = rec.Key
		}
	}
	for key, e := range found {
		ids[e.id()], keys[e.id()] = true, key.Name
	}
	var out []reconcilers.Adoption
	for _, change := range p.Changes { // parents first
		rec, ok := change.Object().Native.(*entity.Record)
		if e := found[change.Key]; ok && e != nil {
			before := h.before(e, rec, keys)
			a := reconcilers.Adoption{
				Gateway: v1.Kong, ID: e.id(), Names: rec.Names(), Stays: h.stay(e, ids),
				Change: plan.Change{Op: plan.Update, Key: change.Key, Before: before, After: change.After, Fields: before.Differs(change.After)},
			}
			a.Refused, a.Unless = h.reserve(e, rec)
			out = append(out, a)
		}
	}
	return out, nil
}

// reserve says why an entity can't be adopted, or is only when it is named.
func (h *holders) reserve(e *entry, rec *entity.Record) (refused, unless string) {
	if entity.IsProof(v1.Key{Kind: rec.Row.Kind, Name: rec.Key}) {
		return "it is in the place of what Lockstep asks Kong's workers by, whose id matters: remove it, or rename it", ""
	}
	if own, given := strings.CutPrefix(rec.Key, "@"); given && rec.Declared && own != e.id() {
		return fmt.Sprintf("its manifest gives the id %s, and the one that is there has %s: leave the id out, or give that one", own, e.id()), ""
	}
	if other := entity.Tagged(e.body, entity.TagOwner); other != "" {
		return "", v1.OneLine(fmt.Sprintf("it bears the mark of another owner, %s: adopt it by its name, when no Lockstep writes for that one any more", other))
	}
	return "", ""
}

// Adopt implements reconcilers.Adopter.
func (r *Reconciler) Adopt(chosen []reconcilers.Adoption) {
	r.adopting = make(map[string]bool, len(chosen))
	r.names.Adopted = maps.Clone(r.names.Adopted)
	if r.names.Adopted == nil {
		r.names.Adopted = map[v1.Key]string{}
	}
	for _, a := range chosen {
		r.adopting[a.ID] = true
		if key := a.Change.Key; a.Change.After != nil && r.names.ID(key.Kind, key.Name) != a.ID && strings.TrimPrefix(key.Name, "@") != a.ID {
			r.names.Adopted[key] = a.ID
		}
	}
}

// adopts reports whether a change makes a stranger's entity ours.
func (b *batch) adopts(change plan.Change) bool {
	if len(b.adopting) == 0 || change.Op != plan.Create {
		return false
	}
	rec, ok := change.After.Native.(*entity.Record)
	return ok && b.adopting[rec.ID]
}

// adoptIt is the advice to adopt what stands in the way of an entity.
func adoptIt(rec *entity.Record) string {
	name := string(v1.Kong) + ":" + rec.Names()[0]
	if strings.ContainsFunc(name, func(r rune) bool { return !strings.ContainsRune("-._:/@+%=", r) && !alphanumeric(r) }) {
		name = strconv.Quote(name)
	}
	return fmt.Sprintf("adopt it where it stands with: lockstep adopt %s; or ", name)
}

func alphanumeric(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}

// adoptable is that advice where it can be followed: what is there already has a place
// of its own.
func (b *batch) adoptable(rec *entity.Record) string {
	if b.held[rec.Service][v1.Key{Kind: rec.Row.Kind, Name: rec.Key}] != nil || strings.HasPrefix(rec.Key, "@") {
		return ""
	}
	return adoptIt(rec)
}

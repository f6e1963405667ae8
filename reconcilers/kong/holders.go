package kong

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/admin"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/kong/secret"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// entry is one entity that Kong holds, whosever it is.
type entry struct {
	row  *entity.Row
	body map[string]any
}

func (e *entry) id() string {
	id, _ := e.body["id"].(string)
	return id
}

// holders knows everything that a Kong with a database holds, and finds out who holds
// what somebody else wants.
type holders struct {
	*Reconciler
	places   map[string]*entry   // by what only one may have
	byID     map[string]*entry   // by kind and id
	children map[string][]*entry // by the id of what they refer to
	asked    map[string]bool     // upstreams whose targets are known
}

// holders reads all lists of Kong, but those of targets.
func (r *Reconciler) holders(ctx context.Context) (*holders, error) {
	lists, err := r.lists(ctx, nil)
	if err != nil {
		return nil, err
	}
	h := &holders{Reconciler: r, places: map[string]*entry{}, byID: map[string]*entry{}, children: map[string][]*entry{}, asked: map[string]bool{}}
	for _, row := range r.rows {
		h.add(row, lists[row.Kind])
	}
	return h, nil
}

func (h *holders) add(kind *entity.Row, bodies []map[string]any) {
	for _, body := range bodies {
		e := &entry{kind, body}
		h.byID[string(kind.Kind)+"\x00"+e.id()] = e
		for _, at := range entity.Places(h.rows, kind, body) {
			h.places[at.Text] = e
		}
		for field := range kind.Refs {
			if id := entity.Reference(body, field); id != "" {
				h.children[id] = append(h.children[id], e)
			}
		}
	}
}

// targets makes the targets of an upstream known.
func (h *holders) targets(ctx context.Context, upstream string) error {
	if h.asked[upstream] || h.byID[string(v1.KindUpstream)+"\x00"+upstream] == nil {
		return nil
	}
	h.asked[upstream] = true
	bodies, err := h.client.List(ctx, "/upstreams/"+upstream+"/targets", nil)
	if admin.IsStatus(err, http.StatusNotFound) {
		return nil // it went meanwhile
	}
	if err != nil {
		return err
	}
	for _, body := range bodies { // Kong may leave it out: the path says it
		body["upstream"] = map[string]any{"id": upstream}
	}
	h.add(entity.RowOf(h.rows, v1.KindTarget), bodies)
	return nil
}

// rival returns what holds the place of a desired entity that is not ours, or its id;
// nil for nothing.
func (h *holders) rival(ctx context.Context, rec *entity.Record) (*entry, error) {
	if rec.Row.Kind == v1.KindTarget {
		if err := h.targets(ctx, entity.Reference(rec.Body, "upstream")); err != nil {
			return nil, err
		}
	}
	if e := h.byID[string(rec.Row.Kind)+"\x00"+rec.ID]; e != nil {
		if h.names.Ours(e.body) {
			return nil, nil
		}
		return e, nil
	}
	for _, at := range entity.Places(h.rows, rec.Row, rec.Body) {
		if e := h.places[at.Text]; e != nil && !h.names.Ours(e.body) {
			return e, nil
		}
	}
	return nil, nil
}

// rivals finds who holds the places of what is to be created, by key. What refers to
// one of these is looked at again, as it refers to it by the id that it has.
func (h *holders) rivals(ctx context.Context, compile func() plan.Plan) (map[v1.Key]*entry, plan.Plan, error) {
	found, taken := map[v1.Key]*entry{}, map[*entry]bool{}
	for {
		p, more := compile(), false
		for _, change := range p.Changes {
			rec, ok := change.Object().Native.(*entity.Record)
			if !ok || change.Op != plan.Create || found[change.Key] != nil {
				continue
			}
			e, err := h.rival(ctx, rec)
			if err != nil {
				return nil, p, err
			}
			if e == nil || taken[e] {
				continue
			}
			found[change.Key], taken[e], more = e, true, true
			if rec.ID != e.id() {
				h.names.Adopted[change.Key] = e.id()
			}
		}
		if !more {
			return found, p, nil
		}
	}
}

// stay names what others have at an entity and keep.
func (h *holders) stay(e *entry, adopted map[string]bool) []string {
	var out []string
	for _, child := range h.children[e.id()] {
		if !h.names.Ours(child.body) && !adopted[child.id()] {
			out = append(out, v1.OneLine(fmt.Sprintf("%s %v", child.row.Word(), child.called())))
		}
	}
	slices.Sort(out)
	return out
}

// called is what people know an entity by; never a secret.
func (e *entry) called() string {
	if name, _ := e.body[e.row.Unique].(string); name != "" {
		return name
	}
	return e.id()
}

// before is a stranger's entity as the object that it would become, to be compared with it.
func (h *holders) before(e *entry, rec *entity.Record, keys map[string]string) *plan.Object {
	theirs := h.names.Read(e.row, maps.Clone(e.body), keys)
	theirs.Key, theirs.Declared, theirs.Service = rec.Key, rec.Declared, rec.Service
	o := h.object(theirs)
	// Where a secret is asked for, what stands there now is one as well.
	v := secret.Veil{Seal: h.names.Seal, ID: theirs.ID, Hidden: entity.AllTagged(rec.Body, entity.TagHidden)}
	for name, text := range o.Fields {
		if v.Covers(name) && text != "" {
			o.Fields[name] = v.Digest(text)
		}
	}
	return o
}

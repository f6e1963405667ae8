package kong

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/admin"
	"github.com/lockstep/lockstep/reconcilers/kong/jsonvalue"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// create makes an entity under its own id. POST refuses an id that exists, so
// that nothing is overwritten that is not ours.
func (b *batch) create(ctx context.Context, rec *record) (*plan.Object, error) {
	if rec.row.kind == kindMember {
		return b.join(ctx, rec)
	}
	send := func() (admin.Answer, error) {
		return b.client.Do(ctx, admin.Request{Method: http.MethodPost, Path: rec.path(b.rows), Body: rec.payload(false)})
	}
	a, err := b.named(ctx, rec, send)
	switch {
	case err == nil:
		return b.answered(rec, a)
	case admin.IsCode(err, admin.CodePrimaryKey):
		return b.overtake(ctx, rec)
	case admin.IsCode(err, admin.CodeForeignKey), rec.row.within != "" && admin.IsStatus(err, http.StatusNotFound):
		return nil, &moved{err}
	}
	return nil, err
}

// update replaces an entity by its id; what the body leaves out is Kong's default again.
func (b *batch) update(ctx context.Context, rec *record) (*plan.Object, error) {
	method := http.MethodPut
	if rec.row.patch {
		method = http.MethodPatch
	}
	send := func() (admin.Answer, error) {
		return b.client.Do(ctx, admin.Request{Method: method, Path: rec.path(b.rows) + "/" + rec.id, Body: rec.payload(rec.row.patch)})
	}
	a, err := b.named(ctx, rec, send)
	switch {
	case err == nil:
		return b.answered(rec, a)
	case rec.row.patch && admin.IsStatus(err, http.StatusNotFound):
		return b.create(ctx, rec)
	case admin.IsCode(err, admin.CodeForeignKey):
		return nil, &moved{err}
	}
	return nil, err
}

// remove deletes an entity by its id; one that is gone is fine.
func (b *batch) remove(ctx context.Context, rec *record) error {
	if guests := b.guests[rec.key]; rec.row.kind == kindUpstream && len(guests) > 0 {
		return &conflict{
			message: fmt.Sprintf("the upstream %s also has targets that are not Lockstep's (%s), which would go with it", rec.name(), v1.OneLine(strings.Join(guests, ", "))),
			fix:     "remove these targets from it",
		}
	}
	if rec.declared || b.names.wasAdopted(rec.body) {
		if err := b.harmless(ctx, rec); err != nil {
			return err
		}
	}
	id := rec.id
	if rec.row.kind == kindMember {
		id = reference(rec.body, fieldConsumer)
	}
	_, err := b.client.Do(ctx, admin.Request{Method: http.MethodDelete, Path: rec.path(b.rows) + "/" + id})
	switch {
	case admin.IsStatus(err, http.StatusNotFound):
		return nil
	case admin.IsCode(err, admin.CodeForeignKey):
		return b.referenced(ctx, rec, err)
	case admin.IsCode(err, admin.CodeReferenced):
		return &conflict{
			message: fmt.Sprintf("the %s %s is still used: %v", rec.row.word(), rec.title(), err),
			fix:     "take it out of what kong names; it goes by itself then",
		}
	}
	return err
}

// referenced says who keeps a service from being removed.
func (b *batch) referenced(ctx context.Context, rec *record, refused error) error {
	if rec.row.kind != kindService {
		return &moved{refused}
	}
	routes, err := b.client.List(ctx, "/services/"+rec.id+"/routes", nil)
	if err != nil {
		return err
	}
	for _, body := range routes {
		if !b.names.ours(body) {
			return &conflict{
				message: fmt.Sprintf("the service %s has a route that is not Lockstep's: %v (id %v)", rec.name(), body["name"], body["id"]),
				fix:     "remove that route, or point it to another service",
			}
		}
	}
	return &moved{refused} // a route of ours that we did not know of
}

// overtake takes an entity whose id exists already: it was made by a try whose
// answer was lost, or bears no mark of ours and is a conflict.
func (b *batch) overtake(ctx context.Context, rec *record) (*plan.Object, error) {
	body, err := b.find(ctx, rec, rec.id)
	if err != nil {
		return nil, err
	}
	if body == nil {
		return nil, &moved{fmt.Errorf("the %s %s was there and is gone", rec.row.kind, rec.id)}
	}
	if !b.names.ours(body) {
		return nil, &conflict{
			message: fmt.Sprintf("a %s with the id %s exists without Lockstep's tag", rec.row.kind, rec.id),
			fix:     adoptIt(rec) + "remove it, or give it the tag " + tagOwner + b.names.owner + " back",
		}
	}
	keys := map[string]string{}
	for field, key := range rec.parents {
		keys[reference(rec.body, field)] = key
	}
	now := b.object(b.record(rec.row, body, keys).beside(rec))
	if now.Key.Name == rec.key && len(now.Differs(b.object(rec))) == 0 {
		return now, nil
	}
	return b.update(ctx, rec)
}

// named sends a write, and once more when another entity of ours held the name.
func (b *batch) named(ctx context.Context, rec *record, send func() (admin.Answer, error)) (admin.Answer, error) {
	a, err := send()
	if !admin.IsCode(err, admin.CodeUnique) {
		return a, err
	}
	b.freeing.Lock()
	defer b.freeing.Unlock()
	if err := b.free(ctx, rec); err != nil {
		return admin.Answer{}, err
	}
	if a, err = send(); admin.IsCode(err, admin.CodeUnique) {
		err = &moved{err}
	}
	return a, err
}

// free moves an entity of ours out of the way that holds a name under another
// id: it is about to be renamed or removed. A stranger's is a conflict.
func (b *batch) free(ctx context.Context, rec *record) error {
	holder, err := b.holder(ctx, rec)
	if err != nil || holder == nil {
		return err
	}
	id, _ := holder["id"].(string)
	if id == rec.id {
		return nil // the same one: the write goes through, or says that the id exists
	}
	if !b.names.ours(holder) {
		return &conflict{
			message: rec.clash(id),
			fix:     b.adoptable(rec) + "rename or remove that one, or give Lockstep another --owner",
		}
	}
	b.doubtful.Store(true)
	r := admin.Request{Method: http.MethodPatch, Path: rec.row.pathOf(b.rows, holder) + "/" + id, Body: map[string]any{rec.row.unique: b.names.parked(id)}}
	switch {
	case rec.row.kind == kindPlugin && holder["name"] != rec.name():
		r.Body = map[string]any{"instance_name": b.names.parked(id)}
	case !rec.row.parks || holder[rec.row.unique] != rec.body[rec.row.unique]: // an address can't be parked, nor a plugin's place
		r.Method, r.Body = http.MethodDelete, nil
	}
	_, err = b.client.Do(ctx, r)
	if admin.IsStatus(err, http.StatusNotFound) {
		return nil
	}
	return err
}

// holder returns the entity that holds what must be unique.
func (b *batch) holder(ctx context.Context, rec *record) (map[string]any, error) {
	if rec.declared {
		return b.rival(ctx, rec)
	}
	if rec.row.kind == kindPlugin {
		return b.beside(ctx, rec)
	}
	return b.find(ctx, rec, rec.name())
}

// find reads an entity by its id or name; nil when there is none.
func (b *batch) find(ctx context.Context, rec *record, ref string) (map[string]any, error) {
	if rec.row.within == "" {
		a, err := b.client.Do(ctx, admin.Request{Method: http.MethodGet, Path: "/" + rec.row.path + "/" + url.PathEscape(ref)})
		if admin.IsStatus(err, http.StatusNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		body, err := jsonvalue.Object(a.Body)
		if within, ok := body[string(rec.row.kind)].(map[string]any); ok && body["id"] == nil {
			return within, nil // Kong Enterprise shows a consumer group with its members beside it
		}
		return body, err
	}
	siblings, err := b.client.List(ctx, rec.path(b.rows), nil)
	var said *admin.Refusal
	if errors.As(err, &said) && said.Status == http.StatusNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, body := range siblings {
		value, _ := body[rec.row.unique].(string)
		if body["id"] == ref || address(value) == address(ref) {
			return body, nil
		}
	}
	return nil, nil
}

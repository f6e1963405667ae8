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
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/kong/jsonvalue"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// create makes an entity under its own id. POST refuses an id that exists, so
// that nothing is overwritten that is not ours.
func (b *batch) create(ctx context.Context, rec *entity.Record) (*plan.Object, error) {
	if rec.Row.Kind == v1.KindMember {
		return b.join(ctx, rec)
	}
	send := func() (admin.Answer, error) {
		return b.client.Do(ctx, admin.Request{Method: http.MethodPost, Path: rec.Path(b.rows), Body: rec.Payload(false)})
	}
	a, err := b.named(ctx, rec, send)
	switch {
	case err == nil:
		return b.answered(rec, a)
	case admin.IsCode(err, admin.CodePrimaryKey):
		return b.overtake(ctx, rec)
	case admin.IsCode(err, admin.CodeForeignKey), rec.Row.Within != "" && admin.IsStatus(err, http.StatusNotFound):
		return nil, &moved{err}
	}
	return nil, err
}

// update replaces an entity by its id; what the body leaves out is Kong's default again.
func (b *batch) update(ctx context.Context, rec *entity.Record) (*plan.Object, error) {
	method := http.MethodPut
	if rec.Row.Patch {
		method = http.MethodPatch
	}
	send := func() (admin.Answer, error) {
		return b.client.Do(ctx, admin.Request{Method: method, Path: rec.Path(b.rows) + "/" + rec.ID, Body: rec.Payload(rec.Row.Patch)})
	}
	a, err := b.named(ctx, rec, send)
	switch {
	case err == nil:
		return b.answered(rec, a)
	case rec.Row.Patch && admin.IsStatus(err, http.StatusNotFound):
		return b.create(ctx, rec)
	case admin.IsCode(err, admin.CodeForeignKey):
		return nil, &moved{err}
	}
	return nil, err
}

// remove deletes an entity by its id; one that is gone is fine.
func (b *batch) remove(ctx context.Context, rec *entity.Record) error {
	if guests := b.guests[rec.Key]; rec.Row.Kind == v1.KindUpstream && len(guests) > 0 {
		return &conflict{
			message: fmt.Sprintf("the upstream %s also has targets that are not Lockstep's (%s), which would go with it", rec.Name(), v1.OneLine(strings.Join(guests, ", "))),
			fix:     "remove these targets from it",
		}
	}
	if rec.Declared || b.names.WasAdopted(rec.Body) {
		if err := b.harmless(ctx, rec); err != nil {
			return err
		}
	}
	id := rec.ID
	if rec.Row.Kind == v1.KindMember {
		id = entity.Reference(rec.Body, entity.FieldConsumer)
	}
	_, err := b.client.Do(ctx, admin.Request{Method: http.MethodDelete, Path: rec.Path(b.rows) + "/" + id})
	switch {
	case admin.IsStatus(err, http.StatusNotFound):
		return nil
	case admin.IsCode(err, admin.CodeForeignKey):
		return b.referenced(ctx, rec, err)
	case admin.IsCode(err, admin.CodeReferenced):
		return &conflict{
			message: fmt.Sprintf("the %s %s is still used: %v", rec.Row.Word(), rec.Title(), err),
			fix:     "take it out of what kong names; it goes by itself then",
		}
	}
	return err
}

// referenced says who keeps a service from being removed.
func (b *batch) referenced(ctx context.Context, rec *entity.Record, refused error) error {
	if rec.Row.Kind != v1.KindService {
		return &moved{refused}
	}
	routes, err := b.client.List(ctx, "/services/"+rec.ID+"/routes", nil)
	if err != nil {
		return err
	}
	for _, body := range routes {
		if !b.names.Ours(body) {
			return &conflict{
				message: fmt.Sprintf("the service %s has a route that is not Lockstep's: %v (id %v)", rec.Name(), body["name"], body["id"]),
				fix:     "remove that route, or point it to another service",
			}
		}
	}
	return &moved{refused} // a route of ours that we did not know of
}

// overtake takes an entity whose id exists already: it was made by a try whose
// answer was lost, or bears no mark of ours and is a conflict.
func (b *batch) overtake(ctx context.Context, rec *entity.Record) (*plan.Object, error) {
	body, err := b.find(ctx, rec, rec.ID)
	if err != nil {
		return nil, err
	}
	if body == nil {
		return nil, &moved{fmt.Errorf("the %s %s was there and is gone", rec.Row.Kind, rec.ID)}
	}
	if !b.names.Ours(body) {
		return nil, &conflict{
			message: fmt.Sprintf("another %s with the id %s exists, without Lockstep's tag", rec.Row.Kind, rec.ID),
			fix:     adoptIt(rec) + "remove it, or give it the tag " + entity.TagOwner + b.names.Owner + " back",
		}
	}
	keys := map[string]string{}
	for field, key := range rec.ParentKeys {
		keys[entity.Reference(rec.Body, field)] = key
	}
	now := b.object(b.names.Read(rec.Row, body, keys).Beside(rec))
	if now.Key.Name == rec.Key && len(now.Differs(b.object(rec))) == 0 {
		return now, nil
	}
	return b.update(ctx, rec)
}

// named sends a write, and once more when another entity of ours held the name.
func (b *batch) named(ctx context.Context, rec *entity.Record, send func() (admin.Answer, error)) (admin.Answer, error) {
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
func (b *batch) free(ctx context.Context, rec *entity.Record) error {
	holder, err := b.holder(ctx, rec)
	if err != nil || holder == nil {
		return err
	}
	id, _ := holder["id"].(string)
	if id == rec.ID {
		return nil // the same one: the write goes through, or says that the id exists
	}
	if !b.names.Ours(holder) {
		return &conflict{
			message: clash(rec, id),
			fix:     b.adoptable(rec) + "rename or remove that one, or give Lockstep another --owner",
		}
	}
	b.doubtful.Store(true)
	r := admin.Request{Method: http.MethodPatch, Path: rec.Row.PathOf(b.rows, holder) + "/" + id, Body: map[string]any{rec.Row.Unique: b.names.Parked(id)}}
	switch {
	case rec.Row.Kind == v1.KindPlugin && holder["name"] != rec.Name():
		r.Body = map[string]any{"instance_name": b.names.Parked(id)}
	case !rec.Row.Parks || holder[rec.Row.Unique] != rec.Body[rec.Row.Unique]: // an address can't be parked, nor a plugin's place
		r.Method, r.Body = http.MethodDelete, nil
	}
	_, err = b.client.Do(ctx, r)
	if admin.IsStatus(err, http.StatusNotFound) {
		return nil
	}
	return err
}

// holder returns the entity that holds what must be unique.
func (b *batch) holder(ctx context.Context, rec *entity.Record) (map[string]any, error) {
	if rec.Declared {
		return b.rival(ctx, rec)
	}
	if rec.Row.Kind == v1.KindPlugin {
		return b.beside(ctx, rec)
	}
	return b.find(ctx, rec, rec.Name())
}

// find reads an entity by its id or name; nil when there is none.
func (b *batch) find(ctx context.Context, rec *entity.Record, ref string) (map[string]any, error) {
	if rec.Row.Within == "" {
		a, err := b.client.Do(ctx, admin.Request{Method: http.MethodGet, Path: "/" + rec.Row.Path + "/" + url.PathEscape(ref)})
		if admin.IsStatus(err, http.StatusNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		body, err := jsonvalue.Object(a.Body)
		if within, ok := body[string(rec.Row.Kind)].(map[string]any); ok && body["id"] == nil {
			return within, nil // Kong Enterprise shows a consumer group with its members beside it
		}
		return body, err
	}
	siblings, err := b.client.List(ctx, rec.Path(b.rows), nil)
	var said *admin.Refusal
	if errors.As(err, &said) && said.Status == http.StatusNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, body := range siblings {
		value, _ := body[rec.Row.Unique].(string)
		if body["id"] == ref || entity.Address(value) == entity.Address(ref) {
			return body, nil
		}
	}
	return nil, nil
}

package kong

import (
	"context"
	"net/http"

	"golang.org/x/sync/errgroup"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/admin"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// A consumer in a group is an entity that only joins two others: Kong gives it neither an
// id nor tags, and lists the consumers of one group at a time. It is ours where the group
// and the consumer both are; its key is made of theirs.

const (
	kindGroup     = v1.KindGroup
	kindMember    = v1.KindMember
	fieldGroup    = "consumer_group"
	fieldConsumer = "consumer"
)

func memberKey(group, consumer string) string { return group + "/" + consumer }

// memberKey is the key of a member that is declared: the keys of what it joins, so that
// it is the same by whatever they are called.
func (c *compiler) memberKey(e *v1.Entity) string {
	called := map[string]string{}
	for _, ref := range e.Refs {
		called[ref.Field] = ref.Name
		if key, known := c.find(ref); known {
			called[ref.Field] = key
		}
	}
	return memberKey(called[fieldGroup], called[fieldConsumer])
}

// members reads which consumers of ours are in the groups that are among some records.
// keys are those of all that is ours, by id.
func (r *Reconciler) members(ctx context.Context, records []*record, keys map[string]string) ([]*record, error) {
	row := rowOf(r.rows, kindMember)
	if r.facts.schemas[kindMember] == nil {
		return nil, nil
	}
	found := make([][]*record, len(records))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(r.options.Concurrency)
	for i, in := range records {
		if in.row.kind != kindGroup {
			continue
		}
		group.Go(func() error {
			consumers, err := r.client.List(ctx, in.path(r.rows)+"/"+in.id+"/"+row.nested, nil)
			if admin.IsStatus(err, http.StatusNotFound) {
				return nil // the group went while we were reading
			}
			for _, body := range consumers {
				id, _ := body["id"].(string)
				if key, known := keys[id]; known && r.names.ours(body) {
					found[i] = append(found[i], r.member(row, in, id, key))
				}
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var members []*record
	for _, some := range found {
		members = append(members, some...)
	}
	return members, nil
}

// member is the record of a consumer of ours that is in a group of ours.
func (r *Reconciler) member(row *row, group *record, id, consumer string) *record {
	key := memberKey(group.key, consumer)
	return &record{
		row: row, key: key, id: r.names.id(kindMember, key), service: declaredGroup, declared: true,
		parents: map[string]string{fieldGroup: group.key, fieldConsumer: consumer},
		body:    map[string]any{fieldGroup: map[string]any{"id": group.id}, fieldConsumer: map[string]any{"id": id}},
	}
}

// join puts a consumer into a group. One that is in it already is fine.
func (b *batch) join(ctx context.Context, rec *record) (*plan.Object, error) {
	_, err := b.client.Do(ctx, admin.Request{
		Method: http.MethodPost, Path: rec.path(b.rows), Body: map[string]any{fieldConsumer: reference(rec.body, fieldConsumer)},
	})
	switch {
	case err == nil, admin.IsStatus(err, http.StatusConflict):
		return b.object(rec), nil
	case admin.IsStatus(err, http.StatusNotFound):
		return nil, &moved{err}
	}
	return nil, err
}

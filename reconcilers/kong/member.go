package kong

import (
	"context"
	"net/http"

	"golang.org/x/sync/errgroup"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/admin"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// A consumer in a group is an entity that only joins two others: Kong gives it neither an
// id nor tags, and lists the consumers of one group at a time. It is ours where the group
// and the consumer both are; its key is made of theirs.

// members reads which consumers of ours are in the groups that are among some records.
// keys are those of all that is ours, by id.
func (r *Reconciler) members(ctx context.Context, records []*entity.Record, keys map[string]string) ([]*entity.Record, error) {
	row := entity.RowOf(r.rows, v1.KindMember)
	if r.facts.Kinds[v1.KindMember] == nil {
		return nil, nil
	}
	found := make([][]*entity.Record, len(records))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(r.options.Concurrency)
	for i, in := range records {
		if in.Row.Kind != v1.KindGroup {
			continue
		}
		group.Go(func() error {
			consumers, err := r.client.List(ctx, in.Path(r.rows)+"/"+in.ID+"/"+row.Nested, nil)
			if admin.IsStatus(err, http.StatusNotFound) {
				return nil // the group went while we were reading
			}
			for _, body := range consumers {
				id, _ := body["id"].(string)
				if key, known := keys[id]; known && r.names.Ours(body) {
					found[i] = append(found[i], r.member(row, in, id, key))
				}
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var members []*entity.Record
	for _, some := range found {
		members = append(members, some...)
	}
	return members, nil
}

// member is the record of a consumer of ours that is in a group of ours.
func (r *Reconciler) member(row *entity.Row, group *entity.Record, id, consumer string) *entity.Record {
	key := entity.MemberKey(group.Key, consumer)
	return &entity.Record{
		Row: row, Key: key, ID: r.names.ID(v1.KindMember, key), Service: entity.DeclaredGroup, Declared: true,
		ParentKeys: map[string]string{entity.FieldGroup: group.Key, entity.FieldConsumer: consumer},
		Body:       map[string]any{entity.FieldGroup: map[string]any{"id": group.ID}, entity.FieldConsumer: map[string]any{"id": id}},
	}
}

// join puts a consumer into a group. One that is in it already is fine.
func (b *batch) join(ctx context.Context, rec *entity.Record) (*plan.Object, error) {
	_, err := b.client.Do(ctx, admin.Request{
		Method: http.MethodPost, Path: rec.Path(b.rows), Body: map[string]any{entity.FieldConsumer: entity.Reference(rec.Body, entity.FieldConsumer)},
	})
	switch {
	case err == nil, admin.IsStatus(err, http.StatusConflict):
		return b.object(rec), nil
	case admin.IsStatus(err, http.StatusNotFound):
		return nil, &moved{err}
	}
	return nil, err
}

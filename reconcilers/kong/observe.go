package kong

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/admin"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/kong/jsonvalue"
	"github.com/lockstep/lockstep/reconcilers/kong/proof"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// loadDatabase reads what carries our mark, and the targets of our upstreams.
func (r *Reconciler) loadDatabase(ctx context.Context) error {
	lists, err := r.lists(ctx, url.Values{"tags": {entity.TagOwner + r.names.Owner}})
	if err != nil {
		return err
	}
	return r.take(ctx, lists)
}

// take reads the targets and the members of what was listed, makes objects of all, and remembers them.
func (r *Reconciler) take(ctx context.Context, lists map[v1.Kind][]map[string]any) error {
	var records []*entity.Record
	keys := map[string]string{}   // ids of our parents: their keys
	groups := map[string]string{} // of what is declared: its group
	r.names.Adopted = map[v1.Key]string{}
	for _, row := range r.rows {
		r.names.NoteAdopted(row, lists[row.Kind])
	}
	for _, row := range r.rows {
		for _, body := range lists[row.Kind] {
			if !r.names.Ours(body) {
				continue
			}
			record := r.names.Read(row, body, keys)
			keys[record.ID] = record.Key
			record.Join(groups)
			records = append(records, record)
		}
	}
	members, err := r.members(ctx, records, keys)
	if err != nil {
		return err
	}
	objects, guests, err := r.objects(ctx, append(records, members...), keys)
	if err != nil {
		return err
	}
	before := r.held
	r.leave(before)
	r.tally = proof.Tally{}
	r.held, r.guests, r.mark = map[string]plan.State{}, guests, mark{read: time.Now(), mine: r.mark.mine}
	for _, o := range objects {
		o = entity.Whole(before[o.Service][o.Key], o)
		r.keep(o.Key, o.Service, o)
		if rec, ok := o.Native.(*entity.Record); ok && o.Key == markKey() {
			r.mark.writer = entity.Tagged(rec.Body, entity.TagWriter)
		}
	}
	return nil
}

// objects reads the targets of our upstreams, for Kong has no list of all, and makes
// objects of them and of the records that there are. That is done while Kong is still
// asked: of many services it takes about as long. Strangers' targets are told by service.
func (r *Reconciler) objects(ctx context.Context, records []*entity.Record, keys map[string]string) ([]*plan.Object, map[string][]string, error) {
	upstreams := slices.DeleteFunc(slices.Clone(records), func(u *entity.Record) bool {
		return u.Row.Kind != v1.KindUpstream || u.Key == entity.Reserved
	})
	row := entity.RowOf(r.rows, v1.KindTarget)
	targets, strange := make([][]*plan.Object, len(upstreams)), make([][]string, len(upstreams))
	adopted := make([][]map[string]any, len(upstreams)) // they are few: see below
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(r.options.Concurrency)
	objects := make([]*plan.Object, len(records))
	group.Go(func() error {
		for i, record := range records {
			objects[i] = r.object(record)
		}
		return nil
	})
	for i, upstream := range upstreams {
		group.Go(func() error {
			bodies, err := r.client.List(ctx, "/upstreams/"+upstream.ID+"/targets", nil)
			if admin.IsStatus(err, http.StatusNotFound) {
				return nil // the upstream went while we were reading
			}
			for _, body := range bodies {
				if !r.names.Ours(body) {
					target, _ := body["target"].(string)
					strange[i] = append(strange[i], target)
					continue
				}
				if r.names.WasAdopted(body) {
					adopted[i] = append(adopted[i], body)
					continue
				}
				targets[i] = append(targets[i], r.object(r.names.Read(row, body, keys)))
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	guests := map[string][]string{}
	for i, upstream := range upstreams {
		// What was adopted must be known before it can be told what it is, and nobody may
		// look that up meanwhile.
		r.names.NoteAdopted(row, adopted[i])
		for _, body := range adopted[i] {
			targets[i] = append(targets[i], r.object(r.names.Read(row, body, keys)))
		}
		if len(strange[i]) > 0 {
			guests[upstream.Key] = strange[i]
		}
	}
	return slices.Concat(objects, slices.Concat(targets...)), guests, nil
}

// object makes the observed object of a record.
func (r *Reconciler) object(rec *entity.Record) *plan.Object {
	if rec.Declared {
		return r.declaredObject(rec)
	}
	others := r.facts.Of(rec).Others(rec.Body)
	if rec.Row.Kind == v1.KindPlugin {
		others = r.facts.Configured(rec, others, r.names.Veil(rec))
		rec = r.facts.WithSecrets(rec)
	}
	o := rec.Object(others)
	if rec.Row.Kind == v1.KindRoute && !strings.HasPrefix(rec.Key, "@") {
		o.Hold = rec.Held(r.names).Object(others)
	}
	return o
}

// declaredObject makes the observed object of what is declared in Kong's own words.
func (r *Reconciler) declaredObject(rec *entity.Record) *plan.Object {
	rec = r.facts.WithSecrets(rec)
	o := r.facts.Declared(rec, r.names.Seal)
	if rec.Row.Kind == v1.KindRoute {
		o.Hold = r.facts.Declared(rec.Held(r.names), r.names.Seal)
	}
	return o
}

// answered makes an object of the entity in Kong's answer to a write.
func (r *Reconciler) answered(rec *entity.Record, a admin.Answer) (*plan.Object, error) {
	body, err := jsonvalue.Object(a.Body)
	if err != nil {
		return nil, fmt.Errorf("read kong's answer about %s: %w", rec.Name(), err)
	}
	if body["id"] != rec.ID {
		return nil, &moved{fmt.Errorf("kong's answer about %s is about another entity", rec.Name())}
	}
	keys := map[string]string{}
	for field, key := range rec.ParentKeys {
		keys[entity.Reference(rec.Body, field)] = key
	}
	return r.object(r.names.Read(rec.Row, body, keys).Beside(rec)), nil
}

// configurationHash reads the hash of what a node without a database holds.
func configurationHash(a admin.Answer) (hash string, databaseDown bool, err error) {
	var status struct {
		Hash     string `json:"configuration_hash"`
		Database *struct {
			Reachable bool `json:"reachable"`
		} `json:"database"`
	}
	if err := json.Unmarshal(a.Body, &status); err != nil {
		return "", false, fmt.Errorf("read kong's status: %w", err)
	}
	return status.Hash, status.Database != nil && !status.Database.Reachable, nil
}

// lists reads all kinds but those that live within others, at once.
func (r *Reconciler) lists(ctx context.Context, query url.Values) (map[v1.Kind][]map[string]any, error) {
	results := make([][]map[string]any, len(r.rows))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(r.options.Concurrency)
	for i, row := range r.rows {
		if row.Within != "" || row.Path == "" || r.facts.Kinds[row.Kind] == nil {
			continue
		}
		group.Go(func() (err error) {
			results[i], err = r.client.List(ctx, "/"+row.Path, query)
			if admin.IsStatus(err, http.StatusNotFound) && row.Optional() {
				return nil // this edition has no such thing
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	lists := make(map[v1.Kind][]map[string]any, len(r.rows))
	for i, row := range r.rows {
		lists[row.Kind] = results[i]
	}
	return lists, nil
}

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
	"github.com/lockstep/lockstep/reconcilers/kong/jsonvalue"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// loadDatabase reads what carries our mark, and the targets of our upstreams.
func (r *Reconciler) loadDatabase(ctx context.Context) error {
	lists, err := r.lists(ctx, url.Values{"tags": {tagOwner + r.names.owner}})
	if err != nil {
		return err
	}
	return r.take(ctx, lists)
}

// take reads the targets and the members of what was listed, makes objects of all, and remembers them.
func (r *Reconciler) take(ctx context.Context, lists map[v1.Kind][]map[string]any) error {
	var records []*record
	keys := map[string]string{}   // ids of our parents: their keys
	groups := map[string]string{} // of what is declared: its group
	r.names.adopted = map[v1.Key]string{}
	for _, row := range r.rows {
		r.noteAdopted(row, lists[row.kind])
	}
	for _, row := range r.rows {
		for _, body := range lists[row.kind] {
			if !r.names.ours(body) {
				continue
			}
			record := r.record(row, body, keys)
			keys[record.id] = record.key
			record.join(groups)
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
	r.tally = tally{}
	r.held, r.guests, r.mark = map[string]plan.State{}, guests, mark{read: time.Now(), mine: r.mark.mine}
	for _, o := range objects {
		o = whole(before[o.Service][o.Key], o)
		r.keep(o.Key, o.Service, o)
		if rec, ok := o.Native.(*record); ok && o.Key == markKey() {
			r.mark.writer = tagged(rec.body, tagWriter)
		}
	}
	return nil
}

// objects reads the targets of our upstreams, for Kong has no list of all, and makes
// objects of them and of the records that there are. That is done while Kong is still
// asked: of many services it takes about as long. Strangers' targets are told by service.
func (r *Reconciler) objects(ctx context.Context, records []*record, keys map[string]string) ([]*plan.Object, map[string][]string, error) {
	upstreams := slices.DeleteFunc(slices.Clone(records), func(u *record) bool {
		return u.row.kind != kindUpstream || u.key == reserved
	})
	row := rowOf(r.rows, kindTarget)
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
			bodies, err := r.client.List(ctx, "/upstreams/"+upstream.id+"/targets", nil)
			if admin.IsStatus(err, http.StatusNotFound) {
				return nil // the upstream went while we were reading
			}
			for _, body := range bodies {
				if !r.names.ours(body) {
					target, _ := body["target"].(string)
					strange[i] = append(strange[i], target)
					continue
				}
				if r.names.wasAdopted(body) {
					adopted[i] = append(adopted[i], body)
					continue
				}
				targets[i] = append(targets[i], r.object(r.record(row, body, keys)))
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
		r.noteAdopted(row, adopted[i])
		for _, body := range adopted[i] {
			targets[i] = append(targets[i], r.object(r.record(row, body, keys)))
		}
		if len(strange[i]) > 0 {
			guests[upstream.key] = strange[i]
		}
	}
	return slices.Concat(objects, slices.Concat(targets...)), guests, nil
}

// noteAdopted notes which of some entities were a stranger's before. Of two that say so in
// the same place, the one with the lesser id is meant, whichever is listed first.
func (r *Reconciler) noteAdopted(row *row, bodies []map[string]any) {
	for _, body := range bodies {
		if !r.names.wasAdopted(body) {
			continue
		}
		key := v1.Key{Kind: row.kind, Name: keyOf(row, body)}
		id, _ := body["id"].(string)
		if known := r.names.adopted[key]; known == "" || id < known {
			r.names.adopted[key] = id
		}
	}
}

// keyOf is the key that an entity of ours says that it has.
func keyOf(row *row, body map[string]any) string {
	service := tagged(body, tagService)
	name, _ := body[row.unique].(string)
	declared := unquoted(tagged(body, tagName))
	switch {
	case declared != "":
		return declared
	case row.kind == kindRoute:
		return tagged(body, tagRoute)
	case row.kind == kindTarget:
		return service + "/" + address(name)
	case row.kind == kindPlugin:
		if route := tagged(body, tagRoute); route != "" {
			return pluginKey(kindRoute, route, name)
		}
		return pluginKey(kindService, service, name)
	case service == "":
		return reserved
	}
	return service
}

// record makes a record of what Kong says, with the key under which Compile
// makes the same. An entity that bears our mark but not the id of its key (a
// copy, or one that was changed by hand) gets "@" and its id as a key, and so is
// nobody's. keys are the keys of parents by id.
func (r *Reconciler) record(row *row, body map[string]any, keys map[string]string) *record {
	rec := &record{row: row, body: body}
	rec.id, _ = body["id"].(string)
	rec.service = tagged(body, tagService)
	rec.key = keyOf(row, body)
	if rec.declared = tagged(body, tagName) != ""; rec.declared && rec.service == "" {
		rec.service = declaredGroup
	}
	for _, field := range append([]string{"created_at", "updated_at"}, row.derived...) {
		delete(body, field)
	}
	rec.tokenOf()
	rec.parents = make(map[string]string, len(row.refs))
	for field := range row.refs {
		id := reference(body, field)
		key, known := keys[id]
		if !known {
			key = id
		}
		if id == "" {
			continue
		}
		rec.parents[field] = key
	}
	if (row.kind == kindUpstream || row.kind == kindService) && rec.id == r.names.id(row.kind, reserved) {
		rec.key = reserved
	}
	if rec.id != r.names.id(row.kind, rec.key) {
		rec.key = "@" + rec.id
	}
	return rec
}

// object makes the observed object of a record.
func (r *Reconciler) object(rec *record) *plan.Object {
	if rec.declared {
		return r.declaredObject(rec)
	}
	others := r.facts.of(rec).others(rec.body)
	if rec.row.kind == kindPlugin {
		others = r.facts.configured(rec, others, r.names.veil(rec))
		rec = r.facts.knowing(rec)
	}
	o := rec.object(others)
	if rec.row.kind == kindRoute && !strings.HasPrefix(rec.key, "@") {
		o.Hold = rec.held(r.names).object(others)
	}
	return o
}

// declaredObject makes the observed object of what is declared in Kong's own words.
func (r *Reconciler) declaredObject(rec *record) *plan.Object {
	rec = r.facts.knowing(rec)
	o := r.facts.declaredObject(rec, r.names.seal)
	if rec.row.kind == kindRoute {
		o.Hold = r.facts.declaredObject(rec.held(r.names), r.names.seal)
	}
	return o
}

// knowing returns a record with its secrets; a copy, for several nodes may share it.
func (f *facts) knowing(rec *record) *record {
	if len(rec.secrets) > 0 {
		return rec
	}
	known := *rec
	known.secrets = f.of(rec).secretTexts(rec)
	return &known
}

// answered makes an object of the entity in Kong's answer to a write.
func (r *Reconciler) answered(rec *record, a admin.Answer) (*plan.Object, error) {
	body, err := jsonvalue.Object(a.Body)
	if err != nil {
		return nil, fmt.Errorf("read kong's answer about %s: %w", rec.name(), err)
	}
	if body["id"] != rec.id {
		return nil, &moved{fmt.Errorf("kong's answer about %s is about another entity", rec.name())}
	}
	keys := map[string]string{}
	for field, key := range rec.parents {
		keys[reference(rec.body, field)] = key
	}
	return r.object(r.record(rec.row, body, keys).beside(rec)), nil
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

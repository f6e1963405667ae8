package kong

import (
	"maps"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/kong/jsonvalue"
	"github.com/lockstep/lockstep/reconcilers/kong/proof"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// proof adds the route and its plugin.
func (c *compiler) proof() {
	if !c.verifies || c.facts == nil {
		return
	}
	if c.facts.Plugins[entity.ProofPlugin] == nil { // perhaps only for a moment
		maps.Copy(c.state, c.held[entity.ProofKey])
		return
	}
	tags := c.names.Tags(entity.TagService+entity.ProofKey, entity.TagRoute+entity.ProofKey)
	c.prove(v1.KindRoute, entity.ProofKey, map[string]string{"service": entity.Reserved}, map[string]any{
		"name": c.names.Name(entity.ProofKey), "protocols": []string{"http", "https"}, "https_redirect_status_code": 426,
		"hosts": []string{c.names.ProofHost()}, "paths": []string{"/"}, "methods": []string{"GET"}, "headers": map[string]any{proof.Header: []string{c.names.ProofWord()}},
		"strip_path": false, "preserve_host": false, "regex_priority": 0, "tags": tags,
	})
	c.prove(v1.KindPlugin, entity.PluginKey(v1.KindRoute, entity.ProofKey, entity.ProofPlugin), map[string]string{"route": entity.ProofKey}, map[string]any{
		"name": entity.ProofPlugin, "enabled": true, "tags": tags, "config": map[string]any{"status_code": 200, "echo": true},
	})
}

// prove adds one of the two entities.
func (c *compiler) prove(kind v1.Kind, key string, parents map[string]string, body map[string]any) {
	rec := &entity.Record{Row: entity.RowOf(c.rows, kind), Key: key, Service: entity.ProofKey, ID: c.names.ID(kind, key), ParentKeys: parents}
	body["id"] = rec.ID
	for field, parent := range parents {
		body[field] = map[string]any{"id": c.names.ID(rec.Row.Refs[field], parent)}
	}
	var err error
	if rec.Body, err = jsonvalue.Of(body); err != nil {
		c.refuse(v1.Key{Kind: kind, Name: key}, v1.Origin{}, "it can't be written as JSON", "report this as a defect of Lockstep")
		return
	}
	var others map[string]any
	if kind == v1.KindPlugin {
		others = c.facts.Configured(rec, nil, c.names.Veil(rec))
	}
	o := rec.Object(others)
	c.state[o.Key] = o
}

// dated marks the proof in a state where it is not that of what Kong holds.
func (r *Reconciler) dated(state plan.State) {
	if !r.Verifies() {
		return
	}
	token := r.tally.Token()
	for _, key := range entity.ProofKeys() {
		o := state[key]
		if o == nil || entity.TokenOn(o) == token {
			continue
		}
		old := *o
		old.Fields = maps.Clone(o.Fields)
		old.Fields[entity.FieldGeneration] = "another"
		state[key] = &old
	}
}

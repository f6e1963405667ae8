package compile

import (
	"maps"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/kong/jsonvalue"
	"github.com/lockstep/lockstep/reconcilers/kong/proof"
)

// proof adds the route and its plugin.
func (c *compiler) proof() {
	if !c.Verified || c.Catalog == nil {
		return
	}
	if c.Catalog.Plugins[entity.ProofPlugin] == nil { // perhaps only for a moment
		maps.Copy(c.state, c.Held[entity.ProofKey])
		return
	}
	tags := c.Names.Tags(entity.TagService+entity.ProofKey, entity.TagRoute+entity.ProofKey)
	c.prove(v1.KindRoute, entity.ProofKey, map[string]string{"service": entity.Reserved}, map[string]any{
		"name": c.Names.Name(entity.ProofKey), "protocols": []string{"http", "https"}, "https_redirect_status_code": 426,
		"hosts": []string{c.Names.ProofHost()}, "paths": []string{"/"}, "methods": []string{"GET"}, "headers": map[string]any{proof.Header: []string{c.Names.ProofWord()}},
		"strip_path": false, "preserve_host": false, "regex_priority": 0, "tags": tags,
	})
	c.prove(v1.KindPlugin, entity.PluginKey(v1.KindRoute, entity.ProofKey, entity.ProofPlugin), map[string]string{"route": entity.ProofKey}, map[string]any{
		"name": entity.ProofPlugin, "enabled": true, "tags": tags, "config": map[string]any{"status_code": 200, "echo": true},
	})
}

// prove adds one of the two entities.
func (c *compiler) prove(kind v1.Kind, key string, parents map[string]string, body map[string]any) {
	rec := &entity.Record{Row: entity.RowOf(c.Rows, kind), Key: key, Service: entity.ProofKey, ID: c.Names.ID(kind, key), ParentKeys: parents}
	body["id"] = rec.ID
	for field, parent := range parents {
		body[field] = map[string]any{"id": c.Names.ID(rec.Row.Refs[field], parent)}
	}
	var err error
	if rec.Body, err = jsonvalue.Of(body); err != nil {
		c.refuse(v1.Key{Kind: kind, Name: key}, v1.Origin{}, "it can't be written as JSON", "report this as a defect of Lockstep")
		return
	}
	var others map[string]any
	if kind == v1.KindPlugin {
		others = c.Catalog.Configured(rec, nil, c.Names.Veil(rec))
	}
	o := rec.Object(others)
	c.state[o.Key] = o
}

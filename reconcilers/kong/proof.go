package kong

import (
	"maps"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/jsonvalue"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// The proof is a route of Lockstep's own that leads to no container. Kong itself answers
// there, by a plugin, with what the worker that answers knows: of the route, as its router
// has it, a tag, and of the plugin, as its list of plugins has it, a message. Both hold the
// token of all that Kong held when they were last written, which was after everything else.
// Workers take up all routes as a whole, and all plugins, so a worker that answers with a
// token serves what had it.
//
// The route's match never changes, and no route of others comes before it: it matches by
// as much as Kong can match by. So a request for the proof reaches nobody's container.
const (
	proofKey        = "@verify" // no service key holds an "@"
	proofPlugin     = "request-termination"
	proofHeader     = "x-lockstep-verify"
	proofOnce       = "once" // in the query: another value in each request
	tagGeneration   = "lockstep-generation:"
	fieldGeneration = "generation"
)

// proofKeys are the keys of the route and of its plugin.
func proofKeys() []v1.Key {
	return []v1.Key{{Kind: kindRoute, Name: proofKey}, {Kind: kindPlugin, Name: pluginKey(kindRoute, proofKey, proofPlugin)}}
}

func isProof(key v1.Key) bool { return slices.Contains(proofKeys(), key) }

// lastID is an id that comes after all others: Kong's workers take routes up by their
// ids, and while they do so the last one is that of the proof.
func lastID(id string) string { return "ffffffff" + id[8:] }

// proofHost is the name by which the proof is asked for. Nobody's DNS knows it.
func (n namer) proofHost() string { return n.owner + ".verify.lockstep.invalid" }

// proofWord is what must be in the header: who does not know it gets no answer.
func (n namer) proofWord() string { return n.seal.Digest(n.owner+"/"+n.workspace, proofKey) }

// proof adds the route and its plugin.
func (c *compiler) proof() {
	if !c.verifies || c.facts == nil {
		return
	}
	if c.facts.plugins[proofPlugin] == nil { // perhaps only for a moment
		maps.Copy(c.state, c.held[proofKey])
		return
	}
	tags := c.names.tags(tagService+proofKey, tagRoute+proofKey)
	c.prove(kindRoute, proofKey, map[string]string{"service": reserved}, map[string]any{
		"name": c.names.name(proofKey), "protocols": []string{"http", "https"}, "https_redirect_status_code": 426,
		"hosts": []string{c.names.proofHost()}, "paths": []string{"/"}, "methods": []string{"GET"}, "headers": map[string]any{proofHeader: []string{c.names.proofWord()}},
		"strip_path": false, "preserve_host": false, "regex_priority": 0, "tags": tags,
	})
	c.prove(kindPlugin, pluginKey(kindRoute, proofKey, proofPlugin), map[string]string{"route": proofKey}, map[string]any{
		"name": proofPlugin, "enabled": true, "tags": tags, "config": map[string]any{"status_code": 200, "echo": true},
	})
}

// prove adds one of the two entities.
func (c *compiler) prove(kind v1.Kind, key string, parents map[string]string, body map[string]any) {
	rec := &record{row: rowOf(c.rows, kind), key: key, service: proofKey, id: c.names.id(kind, key), parents: parents}
	body["id"] = rec.id
	for field, parent := range parents {
		body[field] = map[string]any{"id": c.names.id(rec.row.refs[field], parent)}
	}
	var err error
	if rec.body, err = jsonvalue.Of(body); err != nil {
		c.refuse(v1.Key{Kind: kind, Name: key}, v1.Origin{}, "it can't be written as JSON", "report this as a defect of Lockstep")
		return
	}
	var others map[string]any
	if kind == kindPlugin {
		others = c.facts.configured(rec, nil, c.names.veil(rec))
	}
	o := rec.object(others)
	c.state[o.Key] = o
}

// tokenOf takes the token out of what Kong holds of the proof: it is compared by itself.
func (r *record) tokenOf() {
	switch {
	case r.service != proofKey:
	case r.row.kind == kindPlugin:
		config, _ := r.body["config"].(map[string]any)
		r.token, _ = config["message"].(string)
		delete(config, "message")
	default:
		r.token = tagged(r.body, tagGeneration)
		tags, _ := r.body["tags"].([]any)
		r.body["tags"] = slices.DeleteFunc(slices.Clone(tags), func(tag any) bool {
			text, ok := tag.(string)
			return ok && strings.HasPrefix(text, tagGeneration)
		})
	}
}

// withToken is the body with the token in its place.
func (r *record) withToken() map[string]any {
	if r.token == "" {
		return r.body
	}
	body := maps.Clone(r.body)
	if r.row.kind == kindPlugin {
		config, _ := body["config"].(map[string]any)
		config = maps.Clone(config)
		config["message"] = r.token
		body["config"] = config
		return body
	}
	tags, _ := body["tags"].([]any)
	body["tags"] = append(slices.Clone(tags), tagGeneration+r.token)
	return body
}

// stamped is an object of the proof with a token.
func stamped(o *plan.Object, token string) *plan.Object {
	rec, ok := o.Native.(*record)
	if !ok {
		return o
	}
	with, out := *rec, *o
	with.token, out.Native = token, &with
	return &out
}

// tokenOn is the token of an object of the proof; "" for none.
func tokenOn(o *plan.Object) string {
	if rec, ok := o.Native.(*record); ok {
		return rec.token
	}
	return ""
}

// dated marks the proof in a state where it is not that of what Kong holds.
func (r *Reconciler) dated(state plan.State) {
	if !r.Verifies() {
		return
	}
	token := r.tally.token()
	for _, key := range proofKeys() {
		o := state[key]
		if o == nil || tokenOn(o) == token {
			continue
		}
		old := *o
		old.Fields = maps.Clone(o.Fields)
		old.Fields[fieldGeneration] = "another"
		state[key] = &old
	}
}

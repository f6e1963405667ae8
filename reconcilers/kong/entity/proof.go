package entity

import (
	"maps"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// The proof is a route of Lockstep's own with a plugin that answers there, by which Kong's
// workers say what they serve: each of the two bears the token of all that Kong held when
// it was written.
const (
	ProofKey    = v1.VerifyGroup
	ProofPlugin = "request-termination"
	// TagGeneration is where the route bears it.
	TagGeneration = "lockstep-generation:"
	// FieldGeneration is what is compared of it: "current" where it is that of what Kong holds.
	FieldGeneration = "generation"
)

// ProofKeys are the keys of the route and of its plugin, in the order in which they are written.
func ProofKeys() []v1.Key {
	return []v1.Key{{Kind: v1.KindRoute, Name: ProofKey}, {Kind: v1.KindPlugin, Name: PluginKey(v1.KindRoute, ProofKey, ProofPlugin)}}
}

// IsProof reports whether a key is one of these.
func IsProof(key v1.Key) bool { return slices.Contains(ProofKeys(), key) }

// lastID is an id that comes after all others: Kong's workers take routes up by their
// ids, and while they do so the last one is that of the proof.
func lastID(id string) string { return "ffffffff" + id[8:] }

// ProofHost is the name by which the proof is asked for. Nobody's DNS knows it.
func (n Namer) ProofHost() string { return n.Owner + ".verify.lockstep.invalid" }

// ProofWord is what must be in the header: who does not know it gets no answer.
func (n Namer) ProofWord() string { return n.Seal.Digest(n.Owner+"/"+n.Workspace, ProofKey) }

// takeToken takes the token out of what Kong holds of the proof: it is compared by itself.
func (r *Record) takeToken() {
	switch {
	case r.Service != ProofKey:
	case r.Row.Kind == v1.KindPlugin:
		config, _ := r.Body["config"].(map[string]any)
		r.token, _ = config["message"].(string)
		delete(config, "message")
	default:
		r.token = Tagged(r.Body, TagGeneration)
		tags, _ := r.Body["tags"].([]any)
		r.Body["tags"] = slices.DeleteFunc(slices.Clone(tags), func(tag any) bool {
			text, ok := tag.(string)
			return ok && strings.HasPrefix(text, TagGeneration)
		})
	}
}

// Written is the body as it is written, with the token in its place. The caller must not
// change it.
func (r *Record) Written() map[string]any {
	if r.token == "" {
		return r.Body
	}
	body := maps.Clone(r.Body)
	if r.Row.Kind == v1.KindPlugin {
		config, _ := body["config"].(map[string]any)
		config = maps.Clone(config)
		config["message"] = r.token
		body["config"] = config
		return body
	}
	tags, _ := body["tags"].([]any)
	body["tags"] = append(slices.Clone(tags), TagGeneration+r.token)
	return body
}

// Stamped is an object of the proof as it is with a token; "" for one that nobody holds.
func Stamped(o *plan.Object, token string) *plan.Object {
	rec, ok := o.Native.(*Record)
	if !ok {
		return o
	}
	with, out := *rec, *o
	with.token, out.Native = token, &with
	return &out
}

// TokenOn is the token of an object of the proof; "" for none.
func TokenOn(o *plan.Object) string {
	if rec, ok := o.Native.(*Record); ok {
		return rec.token
	}
	return ""
}

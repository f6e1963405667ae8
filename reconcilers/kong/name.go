package kong

import (
	"net/url"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/secret"
)

// The tags that Lockstep writes: "lockstep-owner:lockstep".
const (
	tagOwner   = "lockstep-owner:"
	tagService = "lockstep-service:"
	tagRoute   = "lockstep-route:"
	tagWriter  = "lockstep-writer:"
	tagBase    = "lockstep-base:"
	tagSecret  = "lockstep-secret:"  // a digest of values that Kong does not give back
	tagName    = "lockstep-name:"    // the key of what is declared in Kong's own words
	tagHidden  = "lockstep-hidden:"  // the path of a field that holds a secret
	tagGiven   = "lockstep-given:"   // a field that Kong would make up, and that was given
	tagAdopted = "lockstep-adopted:" // its own id, of what a stranger made: a copy has another id
)

// reserved is the key of the service and of the upstream that belong to no
// service. No service key holds an "@".
const reserved = "@unavailable"

// namer gives entities their names, ids and tags: pure functions of owner,
// workspace, kind and key, so that every start finds what an earlier one made.
// seal is what turns secrets to digests.
// adopted are the ids of what was a stranger's before, as Kong itself says.
type namer struct {
	owner, workspace string
	seal             secret.Seal
	adopted          map[v1.Key]string
}

// id is a UUIDv5: the same on every Kong, and nobody else's by accident. What was
// adopted keeps the id that it has.
func (n namer) id(kind v1.Kind, key string) string {
	at := v1.Key{Kind: kind, Name: key}
	if id := n.adopted[at]; id != "" {
		return id
	}
	id := at.UUID(n.owner, n.workspace)
	if kind == kindRoute && key == proofKey {
		return lastID(id)
	}
	return id
}

// sign adds to the tags of a desired entity that it was adopted, if it was.
func (n namer) sign(rec *record) {
	if id := n.adopted[v1.Key{Kind: rec.row.kind, Name: rec.key}]; id != "" && id == rec.id {
		tags, _ := rec.body["tags"].([]any)
		rec.body["tags"] = append(tags, tagAdopted+id)
	}
}

// wasAdopted reports whether an entity of ours says that it was a stranger's. A copy
// of one says it of another.
func (n namer) wasAdopted(body map[string]any) bool {
	id, _ := body["id"].(string)
	return n.ours(body) && id != "" && tagged(body, tagAdopted) == id
}

// name is what an entity is called in Kong: its key and the owner, as in
// "shop.web.lockstep". It must be a host name for an upstream, where no part may
// end with a dash; such a part gets a "Z", which no key holds. The owner has
// no dot, so a reserved name can't be that of a service.
func (n namer) name(key string) string {
	switch key {
	case reserved:
		return n.owner + "-unavailable"
	case proofKey:
		return n.owner + "-verify"
	}
	if strings.Contains(key, "-.") || strings.HasSuffix(key, "-") {
		key = strings.ReplaceAll(key, "-.", "-Z.")
		if strings.HasSuffix(key, "-") {
			key += "Z"
		}
	}
	return key + "." + n.owner
}

// parked is a name that is free for sure, for an entity that is in the way of another's.
func (n namer) parked(id string) string { return "parked-" + id + "." + n.owner }

// tags are those of an entity; more are added as they are. Sorted.
func (n namer) tags(more ...string) []string {
	tags := append(more, tagOwner+n.owner)
	slices.Sort(tags)
	return tags
}

// tagged returns what stands behind a prefix in the tags of an entity; "" for nothing.
func tagged(body map[string]any, prefix string) string {
	tags, _ := body["tags"].([]any)
	for _, tag := range tags {
		if text, ok := tag.(string); ok && strings.HasPrefix(text, prefix) {
			return text[len(prefix):]
		}
	}
	return ""
}

// allTagged returns what stands behind a prefix in every tag that has it.
func allTagged(body map[string]any, prefix string) []string {
	tags, _ := body["tags"].([]any)
	var out []string
	for _, tag := range tags {
		if text, ok := tag.(string); ok && strings.HasPrefix(text, prefix) {
			out = append(out, unquoted(text[len(prefix):]))
		}
	}
	return out
}

// quoted writes a name so that a tag can hold it: Kong takes no "," and no "/",
// and of bytes that are no ASCII only whole characters.
func quoted(name string) string {
	return strings.ReplaceAll(url.QueryEscape(name), "+", "%20")
}

func unquoted(tag string) string {
	name, err := url.PathUnescape(tag)
	if err != nil { // somebody else wrote it
		return tag
	}
	return name
}

// ours reports whether an entity carries the owner's mark.
func (n namer) ours(body map[string]any) bool {
	tags, _ := body["tags"].([]any)
	return slices.Contains(tags, any(tagOwner+n.owner))
}

package entity

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/secret"
)

// The tags that Lockstep writes: "lockstep-owner:lockstep".
const (
	TagOwner   = "lockstep-owner:"
	TagService = "lockstep-service:"
	TagRoute   = "lockstep-route:"
	TagWriter  = "lockstep-writer:"
	TagBase    = "lockstep-base:"
	TagSecret  = "lockstep-secret:"  // a digest of values that Kong does not give back
	TagName    = "lockstep-name:"    // the key of what is declared in Kong's own words
	TagHidden  = "lockstep-hidden:"  // the path of a field that holds a secret
	TagGiven   = "lockstep-given:"   // a field that Kong would make up, and that was given
	TagAdopted = "lockstep-adopted:" // its own id, of what a stranger made: a copy has another id

	// OwnTags is what all of them begin with.
	OwnTags = "lockstep-"
)

// Tags are those of an entity, sorted; more are added as they are.
func (n Namer) Tags(more ...string) []string {
	tags := append(more, TagOwner+n.Owner)
	slices.Sort(tags)
	return tags
}

// Ours reports whether an entity carries the owner's mark.
func (n Namer) Ours(body map[string]any) bool {
	tags, _ := body["tags"].([]any)
	return slices.Contains(tags, any(TagOwner+n.Owner))
}

// WasAdopted reports whether an entity of ours says that it was a stranger's. A copy
// of one says it of another.
func (n Namer) WasAdopted(body map[string]any) bool {
	id, _ := body["id"].(string)
	return n.Ours(body) && id != "" && Tagged(body, TagAdopted) == id
}

// Sign adds to the tags of a desired entity that it was adopted, if it was.
func (n Namer) Sign(rec *Record) {
	if id := n.Adopted[v1.Key{Kind: rec.Row.Kind, Name: rec.Key}]; id != "" && id == rec.ID {
		tags, _ := rec.Body["tags"].([]any)
		rec.Body["tags"] = append(tags, TagAdopted+id)
	}
}

// Veil is what must not be seen of an entity.
func (n Namer) Veil(rec *Record) secret.Veil {
	return secret.Veil{Seal: n.Seal, ID: rec.ID, Hidden: AllTagged(rec.Body, TagHidden)}
}

// Tagged returns what stands behind a prefix in the tags of an entity, as it stands there; ""
// for nothing.
func Tagged(body map[string]any, prefix string) string {
	tags, _ := body["tags"].([]any)
	for _, tag := range tags {
		if text, ok := tag.(string); ok && strings.HasPrefix(text, prefix) {
			return text[len(prefix):]
		}
	}
	return ""
}

// AllTagged returns what stands behind a prefix in every tag that has it, as it was before
// Quoted.
func AllTagged(body map[string]any, prefix string) []string {
	tags, _ := body["tags"].([]any)
	var out []string
	for _, tag := range tags {
		if text, ok := tag.(string); ok && strings.HasPrefix(text, prefix) {
			out = append(out, unquoted(text[len(prefix):]))
		}
	}
	return out
}

// WithoutTag returns tags less the one with a prefix.
func WithoutTag(tags any, prefix string) any {
	list, _ := tags.([]any)
	return slices.DeleteFunc(slices.Clone(list), func(tag any) bool { return strings.HasPrefix(fmt.Sprint(tag), prefix) })
}

// Quoted writes a name so that a tag can hold it: Kong takes no "," and no "/",
// and of bytes that are no ASCII only whole characters.
func Quoted(name string) string {
	return strings.ReplaceAll(url.QueryEscape(name), "+", "%20")
}

func unquoted(tag string) string {
	name, err := url.PathUnescape(tag)
	if err != nil { // somebody else wrote it
		return tag
	}
	return name
}

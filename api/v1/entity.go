package v1

import (
	"slices"
	"strings"
)

// KindEntity names one of Kong's entities that is declared in Kong's own words:
// "consumer/alice".
const KindEntity Kind = "entity"

// EntityGroup is what entities that belong to no service stand under where
// services stand by name. No service's name begins like this.
const EntityGroup = "@entities"

// VerifyGroup is likewise what the gateway's workers are asked by, which is Lockstep's own.
const VerifyGroup = "@verify"

// Grouped divides the name that something stands under into the service's, and what people
// call it where it belongs to none.
func Grouped(name string) (service, group string) {
	within, is := strings.CutPrefix(name, "@")
	kind, called, one := strings.Cut(within, "/")
	switch {
	case !is:
		return name, ""
	case name == VerifyGroup:
		return "", "verification"
	case one: // with what belongs to it
		return "", kind + " " + strings.TrimPrefix(called, "kong:") + ", in Kong's own words"
	}
	return "", "Kong's own words"
}

// Entity is one of Kong's entities in Kong's own words, from a manifest. An
// Entity that was handed on is never changed again.
type Entity struct {
	// Kind is one of EntityKinds.
	Kind Kind `json:"kind"`
	// Name tells entities of a kind apart: "alice", "alice/laptop" for what belongs
	// to a consumer. One that ends with a slash goes on with a digest of the value
	// that EntityKind.Named names: a secret, which no name may hold.
	Name string `json:"name"`
	// ID is the id in Kong that the manifest asks for; "" for one that follows from Name.
	ID string `json:"id,omitempty"`
	// Workspace is the one that the file is for; "" for whichever is kept.
	Workspace string `json:"workspace,omitempty"`
	// Body holds the fields as JSON knows values, and Secrets, without references
	// to other entities.
	Body map[string]any `json:"body,omitempty"`
	// Refs are the references, sorted by field.
	Refs []EntityRef `json:"refs,omitempty"`
	// Withheld, when not nil, is why the entity is not to be made: what Kong holds of
	// it stays.
	Withheld *Problem `json:"withheld,omitempty"`
	Origin   Origin   `json:"origin"`
	// Places are where fields stand, by path: "config.minute".
	Places map[string]Origin `json:"-"`
}

// EntityRef says what a field of an entity refers to.
type EntityRef struct {
	Field string `json:"field"`
	Kind  Kind   `json:"kind"`
	// Name is that of an entity, its id, or the key of a service or route of ours.
	Name   string `json:"name"`
	Origin Origin `json:"origin"`
	// Lookup says that the file expects it to be declared elsewhere.
	Lookup bool `json:"-"`
}

// LookupFix is what to do when that is declared nowhere.
const LookupFix = "declare it in a file beside this one; what is in Kong already is then taken over with: lockstep adopt (default_lookup_tags finds what files declare, not what Kong alone holds)"

// Key returns what problems call the entity.
func (e *Entity) Key() Key {
	return Key{Kind: KindEntity, Name: string(e.Kind) + "/" + strings.TrimSuffix(e.Name, "/")}
}

// Guards reports whether the entity is a plugin that everybody passes who uses what
// it is on.
func (e *Entity) Guards() bool {
	return e.Kind == KindPlugin && len(e.Refs) > 0 && e.Ref(fieldConsumer) == "" && e.Ref(fieldGroup) == ""
}

// What is said of such a plugin in Kong's own words that is on a service of ours:
// no other gateway would know of it.
const (
	GuardsOurs    = "in Kong's own words a plugin can't be on a service or route of Lockstep's: another gateway would serve that without it"
	GuardsOursFix = "write it as kind: Plugin"
)

// Ref returns what a field refers to; "" for nothing.
func (e *Entity) Ref(field string) string {
	if i := slices.IndexFunc(e.Refs, func(r EntityRef) bool { return r.Field == field }); i >= 0 {
		return e.Refs[i].Name
	}
	return ""
}

// Place returns where a field stands, or what holds it.
func (e *Entity) Place(path string) Origin {
	for ; path != ""; path = path[:max(0, strings.LastIndexByte(path, '.'))] {
		if at, has := e.Places[path]; has {
			return at
		}
	}
	return e.Origin
}

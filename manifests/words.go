package manifests

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"go.yaml.in/yaml/v3"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// words reads entities in Kong's own words: lists by their names in Kong's
// declarative files, flat, or nested in what they belong to. What is known of
// each kind is a row of v1.EntityKinds; Kong's own schema is asked when they are made.
type words struct {
	*reader
	deck     deck // what a decK file says of all its entities
	entities []*v1.Entity
}

// section reads one list of entities; in, when not nil, is what they are nested in.
func (w *words) section(known v1.EntityKind, e entry, in *v1.Entity, depth int) {
	for _, item := range w.items(e, depth) {
		w.entity(known, item, in, depth+1)
	}
}

// ignored are fields of dumps that Kong gives by itself.
var ignored = []string{"created_at", "updated_at"}

// entity reads one entity with what is nested in it.
func (w *words) entity(known v1.EntityKind, item *yaml.Node, in *v1.Entity, depth int) {
	before, noun := len(w.problems), articled(known.Kind)
	fields := w.short(known, item, depth)
	if fields == nil {
		fields = w.entries(item, noun, depth)
	}
	made := &v1.Entity{Kind: known.Kind, Origin: w.at(item), Workspace: w.deck.workspace, Body: map[string]any{}, Places: map[string]v1.Origin{}}
	if in != nil {
		w.nest(known, made, in)
	}
	var nested, joined []entry
	for _, e := range fields {
		if _, is := joining(known.Kind, e.key); is {
			joined = append(joined, e)
			continue
		}
		if _, has := nestedIn(known, e.key); has && w.isList(e.value) {
			nested = append(nested, e)
			continue
		}
		w.field(known, made, e, depth+1)
	}
	w.complete(made)
	w.hide(known, made)
	if len(w.problems) == before {
		w.call(known, made, noun)
	}
	w.entities = append(w.entities, made)
	for _, e := range nested {
		child, _ := nestedIn(known, e.key)
		w.section(child, e, made, depth+1)
	}
	for _, e := range joined {
		w.members(e, made, depth+1)
	}
}

// articled is what a kind is called in a sentence.
func articled(kind v1.Kind) string {
	words := strings.ReplaceAll(string(kind), "_", " ")
	if strings.ContainsAny(words[:1], "aeiou") {
		return "an " + words
	}
	return "a " + words
}

// short reads an entity that is written as nothing but its name: an SNI, a group.
func (w *words) short(known v1.EntityKind, item *yaml.Node, depth int) []entry {
	n := w.follow(item, depth)
	if n == nil || n.Kind != yaml.ScalarNode || len(known.Refs) == 0 || len(known.Fields) != 2 {
		return nil
	}
	return []entry{{key: known.Named[0], at: w.at(item), value: item}}
}

func (w *words) isList(n *yaml.Node) bool {
	for n.Kind == yaml.AliasNode && n.Alias != nil {
		n = n.Alias
	}
	return n.Kind == yaml.SequenceNode
}

// nestedIn returns the kind whose list may stand in an entity by that name.
func nestedIn(known v1.EntityKind, section string) (v1.EntityKind, bool) {
	child, has := v1.EntityKindOf("", section)
	if !has || !slices.ContainsFunc(child.Refs, func(ref v1.EntityRef) bool { return ref.Kind == known.Kind && ref.Field != "client_certificate" }) {
		return v1.EntityKind{}, false
	}
	return child, true
}

// nest refers to what an entity is nested in.
func (w *words) nest(known v1.EntityKind, made, in *v1.Entity) {
	for _, ref := range known.Refs {
		if ref.Kind == in.Kind {
			w.refer(made, ref, nameOr(in.Name, in.ID), made.Origin)
		}
	}
}

func (w *words) refer(made *v1.Entity, ref v1.EntityRef, name string, at v1.Origin) {
	ref.Name, ref.Origin, ref.Lookup = name, at, w.deck.lookup[ref.Kind]
	if before := made.Ref(ref.Field); before != "" {
		w.report(at, fmt.Sprintf("it belongs to the %s %s already, in which it stands", ref.Field, shown(before)), "remove the field "+ref.Field)
		return
	}
	made.Refs = append(made.Refs, ref)
	slices.SortFunc(made.Refs, func(a, b v1.EntityRef) int { return strings.Compare(a.Field, b.Field) })
}

// field reads one field of an entity.
func (w *words) field(known v1.EntityKind, made *v1.Entity, e entry, depth int) {
	ref := slices.IndexFunc(known.Refs, func(ref v1.EntityRef) bool { return ref.Field == e.key })
	switch {
	case slices.Contains(ignored, e.key):
	case e.key == "id" && known.Kind != v1.KindMember:
		if text, ok := w.text(e, depth); ok {
			if uuid.Validate(text) != nil || len(text) != 36 {
				w.report(w.at(e.value), shown(text)+" is no id", "write a UUID, or leave it out: one is made of the name")
			}
			made.ID = strings.ToLower(text)
		}
	case ref >= 0:
		if name := w.reference(e, depth); name != "" {
			w.refer(made, known.Refs[ref], name, w.at(e.value))
		}
	case known.Kind == v1.KindPlugin && e.key == "_config" && w.deck.is:
		w.deck.lend(w, e, depth)
	case slices.Contains(known.Fields, e.key):
		if value := w.tree(e.value, e.key, made, depth); value != nil {
			made.Body[e.key] = value
		}
		made.Places[e.key] = e.at
		w.shaped(made.Body[e.key], e, depth)
	default:
		names := slices.Concat(known.Fields, childSections(known))
		if known.Kind != v1.KindMember {
			names = append(names, "id")
		}
		for _, ref := range known.Refs {
			names = append(names, ref.Field)
		}
		slices.Sort(names)
		w.unknown(e.at, "field", e.key, names)
	}
}

// shaped reports a field of which every Kong knows that it is another sort of thing. Of the
// others Kong itself says so.
func (w *words) shaped(made any, e entry, depth int) {
	var given string
	switch made.(type) {
	case string:
		given = string(v1.SortText)
	case bool:
		given = string(v1.SortBoolean)
	case int64:
		given = string(v1.SortInteger)
	case []any:
		given = string(v1.SortList)
	case map[string]any:
		given = string(v1.SortMap)
	case json.Number:
		given = "number" // which may be whole all the same
	default:
		return // nothing, or what stands elsewhere
	}
	want := v1.SortOf(e.key)
	if want == "" || given == string(want) || want == v1.SortInteger && given == "number" {
		return
	}
	called, fix := "text", "write one word"
	switch want {
	case v1.SortInteger:
		called, fix = "a number", "write digits alone"
	case v1.SortBoolean:
		called, fix = "true or false", "write one of them, without quotes"
	case v1.SortList:
		called, fix = "a list", fmt.Sprintf("write it between brackets: %s: [one, two]", e.key)
	case v1.SortMap:
		called, fix = "a map", "write its fields below it, one a line: name: value"
	case v1.SortText:
		if given != string(v1.SortList) && given != string(v1.SortMap) {
			fix = "put it between quotes"
		}
	}
	w.report(w.at(e.value), fmt.Sprintf("%s is %s, not %s", e.key, shape(w.follow(e.value, depth)), called), fix)
}

func childSections(known v1.EntityKind) []string {
	var out []string
	for _, kind := range v1.EntityKinds() {
		if _, has := nestedIn(known, kind.Section); has {
			out = append(out, kind.Section)
		}
	}
	switch known.Kind {
	case v1.KindConsumer:
		out = append(out, wordGroups)
	case v1.KindGroup:
		out = append(out, wordMembers)
	}
	return out
}

// reference reads what refers to another entity: its name or id, or a map with it.
func (w *words) reference(e entry, depth int) string {
	n := w.follow(e.value, depth)
	if n == nil || isNull(n) {
		return ""
	}
	if n.Kind != yaml.MappingNode {
		text, _ := w.text(e, depth)
		return text
	}
	fields := w.entries(e.value, e.key, depth)
	for _, inner := range fields {
		switch inner.key {
		case "id", "name", "username", "custom_id":
			text, _ := w.text(inner, depth+1)
			return text
		}
	}
	w.report(e.at, e.key+" names nothing", "write its name")
	return ""
}

// tree returns a value as JSON knows it, with what refers to secrets as leaves, and
// notes where everything stands.
func (w *words) tree(n *yaml.Node, path string, made *v1.Entity, depth int) any {
	at := w.at(n)
	written := n
	if n = w.follow(n, depth); n == nil {
		return nil
	}
	switch n.Kind {
	case yaml.MappingNode:
		out := map[string]any{}
		for _, e := range w.entries(n, path, depth) {
			made.Places[path+"."+e.key] = e.at
			if value := w.tree(e.value, path+"."+e.key, made, depth+1); value != nil {
				out[e.key] = value
			}
		}
		return out
	case yaml.SequenceNode:
		out := make([]any, 0, len(n.Content))
		for _, item := range n.Content {
			out = append(out, w.tree(item, path, made, depth+1))
		}
		return out
	}
	switch {
	case n.ShortTag() != "!!str" || !strings.Contains(n.Value, "$"):
		return w.plain(written, depth)
	case w.deck.is && strings.Contains(n.Value, "${{"):
		return w.template(at, n)
	case !w.deck.is && strings.Contains(n.Value, wordy):
		return w.reader.refer(path, at, n.Value)
	}
	return n.Value
}

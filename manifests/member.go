package manifests

import (
	"go.yaml.in/yaml/v3"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// wordGroups is the list of a consumer's groups, wordMembers that of a group's consumers.
const (
	wordGroups  = "groups"
	wordMembers = "consumers"
)

// joining returns what the list of an entity names that says who is in which group: the
// other one of the two; false when it is no such list.
func joining(kind v1.Kind, list string) (v1.Kind, bool) {
	switch {
	case kind == v1.KindConsumer && list == wordGroups:
		return v1.KindGroup, true
	case kind == v1.KindGroup && list == wordMembers:
		return v1.KindConsumer, true
	}
	return "", false
}

// members reads a list of the consumers that are in a group, or of the groups that a
// consumer is in: names, or maps with a name, as decK writes them.
func (w *words) members(e entry, in *v1.Entity, depth int) {
	other, _ := joining(in.Kind, e.key)
	known, _ := v1.EntityKindOf(v1.KindMember, "")
	if n := w.follow(e.value, depth); n == nil || isNull(n) {
		return
	}
	for _, item := range w.items(e, depth) {
		made := &v1.Entity{Kind: known.Kind, Origin: w.at(item), Workspace: w.deck.workspace, Body: map[string]any{}, Places: map[string]v1.Origin{}}
		name := w.named(item, depth+1)
		if name == "" || in.Name == "" {
			continue // that is said already
		}
		w.nest(known, made, in)
		for _, ref := range known.Refs {
			if ref.Kind == other {
				w.refer(made, ref, name, made.Origin)
			}
		}
		w.call(known, made, articled(known.Kind))
		w.entities = append(w.entities, made)
	}
}

// named reads an item that names another entity, and reports one that does not.
func (w *words) named(item *yaml.Node, depth int) string {
	e := entry{key: "the item", at: w.at(item), value: item}
	if n := w.follow(item, depth); n != nil && isNull(n) {
		w.report(e.at, "the item names nothing", "write its name")
		return ""
	}
	return w.reference(e, depth)
}

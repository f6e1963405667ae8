package fakekong

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
)

// World renders all entities as one canonical text, to compare whole worlds: sorted,
// without times and without fields that are null, references by the name of what they
// refer to. Fields whose names are given are left out too; World("id") compares
// worlds whose ids were made up by Kong.
func (k *Kong) World(omit ...string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.behind != nil {
		var err error
		if k.store, err = k.behind.read(k.lib, k.mode == DBLess); err != nil {
			k.store = newStore()
			return fmt.Sprintf("the real Kong can't be read: %v\n", err)
		}
	}
	omit = append([]string{"created_at", "updated_at"}, omit...)
	var b strings.Builder
	for _, kd := range kinds {
		omit := omit
		if kd.joins { // its id is the stand-in's alone
			omit = append(slices.Clone(omit), "id")
		}
		var blocks []string
		for _, e := range k.store.list(kd) {
			blocks = append(blocks, k.block(e, omit))
		}
		sort.Strings(blocks)
		for _, block := range blocks {
			b.WriteString(block)
		}
	}
	return b.String()
}

// block renders one entity.
func (k *Kong) block(e *entity, omit []string) string {
	var b strings.Builder
	refs := k.lib.foreign(e.kind)
	fmt.Fprintf(&b, "%s %s", e.kind.singular, k.title(e, omit))
	if e.within != "" {
		fmt.Fprintf(&b, " in %s", e.within)
	}
	b.WriteByte('\n')
	for _, name := range slices.Sorted(maps.Keys(e.fields)) {
		v := e.fields[name]
		if v == nil || slices.Contains(omit, name) {
			continue
		}
		if to := kindOf(refs[name]); to != nil {
			if other := k.store.get(to, e.ref(name)); other != nil {
				v = k.title(other, omit)
			}
		}
		fmt.Fprintf(&b, "  %s: %s\n", name, canonical(v))
	}
	return b.String()
}

// title is what the text calls an entity: its key, what makes it unique, or its id.
func (k *Kong) title(e *entity, omit []string) string {
	if n := text(e.fields[e.kind.key]); n != "" && e.kind.name != "targets" {
		return n
	}
	var parts []string
	for _, unique := range e.kind.unique {
		for _, name := range unique {
			v := e.fields[name]
			if to := kindOf(k.lib.foreign(e.kind)[name]); to != nil && v != nil {
				if other := k.store.get(to, refID(v)); other != nil {
					v = name + " " + k.title(other, omit)
				}
			}
			if v != nil {
				parts = append(parts, text(v))
			}
		}
	}
	if len(parts) == 0 && !slices.Contains(omit, "id") {
		return e.id()
	}
	return strings.Join(parts, ", ")
}

// canonical spells a value as JSON: keys sorted, nulls in records left out.
func canonical(v any) string {
	var strip func(any) any
	strip = func(v any) any {
		m, isMap := v.(map[string]any)
		if !isMap {
			return v
		}
		out := map[string]any{}
		for name, e := range m {
			if e != nil {
				out[name] = strip(e)
			}
		}
		return out
	}
	text, err := json.Marshal(strip(v))
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}

package kong

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/kong/jsonvalue"
	"github.com/lockstep/lockstep/reconcilers/kong/secret"
)

// configured adds what a plugin's configuration says beyond Kong's defaults to
// what is compared, field by field; secrets as digests.
func (f *facts) configured(rec *entity.Record, others map[string]any, v secret.Veil) map[string]any {
	if others == nil {
		others = map[string]any{}
	}
	top := f.of(rec).field("config")
	if top == nil || f.plugins[rec.Name()] == nil { // of a plugin that this Kong no longer has
		others["config"] = v.Digest(entity.Canonical(rec.Row, "config", rec.Body["config"]))
		return others
	}
	top.leaves("config", rec.Body["config"], v, others)
	return others
}

// madeUp reports whether Kong makes the value up when none is given: it can't be
// compared, for nobody knows what it would be.
func (f *field) madeUp() bool { return f.auto || f.secret && f.fallback != nil }

// leaves notes the values of a field, and of those within it, that are not
// Kong's defaults.
func (f *field) leaves(path string, value any, veiled secret.Veil, out map[string]any) {
	if f.kind == "record" && f.fallback == nil && len(f.fields) > 0 {
		given, _ := value.(map[string]any)
		for i := range f.fields {
			inner := &f.fields[i]
			v := given[inner.name]
			if v == nil && (inner.kind != "record" || inner.fallback != nil) {
				v = inner.fallback
			}
			inner.leaves(path+"."+inner.name, v, veiled, out)
		}
		return
	}
	if f.madeUp() {
		return
	}
	text := f.text(value, veiled)
	if text == f.text(f.fallback, veiled) {
		return
	}
	if veiled.Covers(path) && text != "" {
		text = veiled.Digest(text)
	}
	out[path] = text
}

// text is the same for values that mean the same.
func (f *field) text(value any, veiled secret.Veil) string {
	switch v := f.normal(value, veiled).(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	default:
		text, err := json.Marshal(v)
		if err != nil { // JSON came in, so JSON goes out
			return fmt.Sprint(v)
		}
		return string(text)
	}
}

// normal returns a value with defaults filled in, numbers in one spelling, sets
// in order, secrets as digests and without what says nothing.
func (f *field) normal(value any, veiled secret.Veil) any {
	if value == nil {
		return nil
	}
	switch v := value.(type) {
	case map[string]any:
		out := map[string]any{}
		put := func(name string, inner *field, element any) {
			if n := inner.normal(element, veiled); n != nil {
				out[name] = n
			}
		}
		if f.kind == "record" && len(f.fields) > 0 {
			for i := range f.fields {
				inner := &f.fields[i]
				put(inner.name, inner, inner.filled(v[inner.name]))
			}
		} else {
			for name, element := range v {
				put(name, f.inner(f.values), element)
			}
		}
		if len(out) == 0 {
			return nil
		}
		return out
	case []any:
		out := make([]any, 0, len(v))
		for _, element := range v {
			out = append(out, f.inner(f.elements).normal(element, veiled))
		}
		if f.kind == "set" {
			slices.SortFunc(out, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		}
		if len(out) == 0 {
			return nil
		}
		return out
	}
	if f.secret {
		return veiled.Digest(fmt.Sprint(value))
	}
	if number, ok := value.(json.Number); ok {
		return jsonvalue.Spelled(number)
	}
	return value
}

// inner is what is known of a part of a value: nothing, but whether it is secret.
func (f *field) inner(part *field) *field {
	if part == nil {
		return &field{secret: f.secret}
	}
	return part
}

// own is a digest of the values given for fields that Kong makes up otherwise:
// as a tag, it tells when another is asked for. "" when none is given.
func (s *schema) own(config map[string]any, v secret.Veil) string {
	var parts []string
	for _, f := range s.configFields() {
		if value := config[f.name]; value != nil && f.madeUp() {
			parts = append(parts, f.name+"="+fmt.Sprint(value))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return v.Seal.Digest(v.ID, strings.Join(parts, "\x00"))
}

func (s *schema) configFields() []field {
	if top := s.field("config"); top != nil {
		return top.fields
	}
	return nil
}

// secretsIn adds the texts of a value that the schema marks as secret.
func (f *field) secretsIn(found []string, value any) []string {
	switch v := value.(type) {
	case nil:
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			inner := f.inner(f.values)
			for i := range f.fields {
				if f.fields[i].name == name {
					inner = &f.fields[i]
				}
			}
			found = inner.secretsIn(found, v[name])
		}
	case []any:
		for _, element := range v {
			found = f.inner(f.elements).secretsIn(found, element)
		}
	default:
		if text := fmt.Sprint(v); f.secret && text != "" {
			found = append(found, text)
		}
	}
	return found
}

package schema

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/kong/jsonvalue"
	"github.com/lockstep/lockstep/reconcilers/kong/secret"
)

// Others returns the fields of an entity that the row does not name and that are not as Kong
// has them by default; nil for none. A field that is not in the schema counts as well,
// unless it is empty.
func (s *Schema) Others(body map[string]any) map[string]any {
	var out map[string]any
	differs := func(name string, value any) {
		if out == nil {
			out = map[string]any{}
		}
		out[name] = value
	}
	for _, f := range s.fields {
		if f.auto || s.row.Always(f.name) || s.row.Kind == v1.KindPlugin && f.name == "config" {
			continue
		}
		value, given := body[f.name]
		if !given || value == nil {
			continue // Kong fills it in
		}
		if f.same(value, nil) {
			continue
		}
		if value = f.filled(value); entity.Canonical(s.row, f.name, value) != s.defaults[f.name] {
			differs(f.name, value)
		}
	}
	for name, value := range body {
		if _, known := s.defaults[name]; !known && !s.row.Always(name) && name != "config" && jsonvalue.Normal(value) != nil {
			differs(name, value)
		}
	}
	return out
}

// declared are the fields that are compared of what is declared in Kong's own words: those
// that are not Kong's default, but for a plugin's configuration and what Kong makes up.
func (s *Schema) declared(rec *entity.Record, v secret.Veil) map[string]any {
	fields := map[string]any{}
	given := entity.AllTagged(rec.Body, entity.TagGiven)
	for i := range s.fields {
		field := &s.fields[i]
		_, ref := rec.Row.Refs[field.name]
		switch {
		case ref, slices.Contains(rec.Row.Hashed, field.name), slices.Contains(rec.Row.Derived, field.name):
		case field.auto && !slices.Contains(given, field.name):
		case field.name == "tags":
			fields["tags"] = entity.WithoutTag(rec.Body["tags"], entity.TagSecret)
		case rec.Row.Kind == v1.KindPlugin && field.name == "config":
		default:
			known := *field
			known.auto = false // it was given, so it can be compared
			known.leaves(field.name, rec.Body[field.name], v, fields)
		}
	}
	return fields
}

// Given are the fields of an entity that Kong would make up, and that are given.
func (s *Schema) Given(rec *entity.Record) []string {
	var out []string
	for _, f := range s.fields {
		if f.auto && !f.timed() && rec.Body[f.name] != nil && !slices.Contains(rec.Row.Hashed, f.name) {
			out = append(out, f.name)
		}
	}
	return out
}

// timed reports whether a field is an id or a time, which nobody declares.
func (f *Field) timed() bool { return f.name == "id" || strings.HasSuffix(f.name, "_at") }

// same reports whether two values of a field are the same, nil being its default. Of
// what it does not call the same, some may be: a list in another order, for instance.
func (f *Field) same(a, b any) bool {
	if a == nil {
		a = f.fallback
	}
	if b == nil {
		b = f.fallback
	}
	if f.kind != "record" {
		return equal(a, b)
	}
	one, _ := a.(map[string]any)
	other, _ := b.(map[string]any)
	known := 0
	for i := range f.fields {
		inner := &f.fields[i]
		value, given := one[inner.name]
		if given {
			known++
		}
		if !inner.same(value, other[inner.name]) {
			return false
		}
	}
	return known == len(one)
}

// equal compares scalars and lists of them. Maps are never equal.
func equal(a, b any) bool {
	switch a := a.(type) {
	case nil:
		return b == nil
	case string, bool, json.Number:
		return a == b
	case []any:
		other, ok := b.([]any)
		return ok && slices.EqualFunc(a, other, equal)
	}
	return false
}

// filled returns the value of a field with defaults where it says nothing, also
// within records.
func (f *Field) filled(value any) any {
	if value == nil {
		value = f.fallback
	}
	if f.kind != "record" {
		return value
	}
	given, _ := value.(map[string]any)
	out := make(map[string]any, len(f.fields))
	maps.Copy(out, given)
	for _, inner := range f.fields {
		out[inner.name] = inner.filled(out[inner.name])
	}
	return out
}

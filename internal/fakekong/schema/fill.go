package schema

import (
	"maps"
	"slices"
)

// Fill returns a copy of the entity with shorthands moved to the fields that they
// stand for, defaults and nulls filled in and sets freed of doubles. Fields
// that the schema doesn't know stay, for Validate to report.
func (f *Field) Fill(in map[string]any) map[string]any {
	out := maps.Clone(in)
	if out == nil {
		out = map[string]any{}
	}
	f.expand(out)
	for _, sub := range f.Fields {
		out[sub.Name] = sub.fill(out[sub.Name])
	}
	return out
}

// fill completes one value.
func (f *Field) fill(v any) any {
	if v == nil {
		if v = Clone(f.Default); v == nil && f.Type == "record" && f.Required && !f.Abstract {
			v = map[string]any{}
		}
	}
	switch v := f.emptyTable(v).(type) {
	case map[string]any:
		switch {
		case f.Type == "record" && !f.Abstract:
			return f.Fill(v)
		case f.Type == "map" && f.Values != nil:
			out := make(map[string]any, len(v))
			for k, e := range v {
				out[k] = f.Values.fill(e)
			}
			return out
		}
	case []any:
		if f.Elements == nil {
			return v
		}
		out := []any{}
		for _, e := range v {
			e = f.Elements.fill(e)
			if f.Type == "set" && slices.ContainsFunc(out, func(o any) bool { return equal(o, e) }) {
				continue
			}
			out = append(out, e)
		}
		return out
	default:
		return v
	}
	return f.emptyTable(v)
}

// emptyTable gives an empty list or object the form that the field asks for: to Kong they are the same.
func (f *Field) emptyTable(v any) any {
	if !empty(v) {
		return v
	}
	switch v.(type) {
	case map[string]any:
		if f.Type == "array" || f.Type == "set" {
			return []any{}
		}
	case []any:
		if f.Type == "map" || f.Type == "record" {
			return map[string]any{}
		}
	}
	return v
}

// expand moves the values of shorthands to the fields that replace them, where
// these are not given themselves.
func (f *Field) expand(entity map[string]any) {
	for _, s := range f.Shorthands {
		v, given := entity[s.Name]
		path := s.target()
		if !given || path == nil || s.typeError(v) != "" {
			continue
		}
		delete(entity, s.Name)
		if old, _ := Lookup(entity, path); old == nil && v != nil {
			put(entity, path, v)
		}
	}
}

// Show returns a copy of a filled-in entity with the shorthands added, as the
// Admin API answers it.
func (f *Field) Show(in map[string]any) map[string]any {
	out := maps.Clone(in)
	for _, sub := range f.Fields {
		if v, ok := out[sub.Name].(map[string]any); ok && sub.Type == "record" && !sub.Abstract {
			out[sub.Name] = sub.Show(v)
		}
	}
	for _, s := range f.Shorthands {
		if path := s.target(); path != nil {
			out[s.Name], _ = Lookup(in, path)
		}
	}
	return out
}

// Merge lays a change over an entity: records are merged field by field, all
// else is replaced. Neither argument is changed.
func (f *Field) Merge(entity, change map[string]any) map[string]any {
	change = maps.Clone(change)
	f.expand(change)
	out := maps.Clone(entity)
	for k, v := range change {
		sub := f.Field(k)
		old, isOld := out[k].(map[string]any)
		next, isNext := v.(map[string]any)
		if sub != nil && sub.Type == "record" && isOld && isNext {
			v = sub.Merge(old, next)
		}
		out[k] = v
	}
	return out
}

// Clone returns a deep copy of a JSON value.
func Clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = Clone(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = Clone(e)
		}
		return out
	}
	return v
}

// Lookup finds the value at a path of field names; ok is false where a record on the way is missing.
func Lookup(entity map[string]any, path []string) (v any, ok bool) {
	v = entity
	for _, name := range path {
		m, isMap := v.(map[string]any)
		if !isMap {
			return nil, false
		}
		if v, ok = m[name]; !ok {
			return nil, false
		}
	}
	return v, true
}

// put sets the value at a path, making records (and copying those on the way) as needed.
func put(entity map[string]any, path []string, v any) {
	for _, name := range path[:len(path)-1] {
		next, _ := entity[name].(map[string]any)
		next = maps.Clone(next)
		if next == nil {
			next = map[string]any{}
		}
		entity[name] = next
		entity = next
	}
	entity[path[len(path)-1]] = v
}

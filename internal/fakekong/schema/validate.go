package schema

import "math"

// Entity is the key under which violations across fields are listed.
const Entity = "@entity"

// Violations are what is wrong with an entity, by field. A value is a string, a
// nested Violations, a []any (one place for each element, nil where it is fine) or,
// under Entity, a []any of strings.
type Violations map[string]any

// Rules are the checks that a product makes in code. Both members may be nil.
type Rules struct {
	// Field judges one value, which already fits its schema. The path is the field's
	// ("paths[]" for the elements of paths, "config.minute" within records). "" means fine.
	Field func(path string, value any) string

	// Entity judges the whole and adds to the violations that are known by then.
	Entity func(entity map[string]any, v Violations)
}

// Validate judges an entity that Fill has completed. No violations: nil.
func (f *Field) Validate(entity map[string]any, r Rules) Violations {
	v := f.record(entity, "", r)
	if r.Entity != nil {
		r.Entity(entity, v)
	}
	if len(v) == 0 {
		return nil
	}
	return v
}

// record judges the fields of a record, then what is said across them.
func (f *Field) record(entity map[string]any, path string, r Rules) Violations {
	out := Violations{}
	for _, sub := range f.Fields {
		if e := sub.validate(entity[sub.Name], join(path, sub.Name), r); e != nil {
			out[sub.Name] = e
		}
	}
	for name, v := range entity {
		if f.Field(name) != nil {
			continue
		}
		out[name] = "unknown field"
		for _, s := range f.Shorthands {
			if s.Name == name {
				delete(out, name)
				if e := s.validate(v, join(path, name), r); e != nil {
					out[name] = e
				}
			}
		}
	}
	for _, c := range f.Checks {
		c.apply(entity, out)
	}
	return out
}

// validate judges one value: nil, or the shape that Violations describes.
func (f *Field) validate(v any, path string, r Rules) any {
	if v == nil {
		switch {
		case f.HasEq && f.Eq != nil:
			return f.message("value must be " + show(f.Eq))
		case f.Required && !f.Auto:
			return "required field missing"
		}
		return nil
	}
	if e := f.typeError(v); e != "" {
		return e
	}
	if e := f.attribute(v); e != "" {
		return f.message(e)
	}
	if e := f.nested(v, path, r); e != nil {
		return e
	}
	if r.Field != nil {
		if e := r.Field(path, v); e != "" {
			return e
		}
	}
	return nil
}

// nested judges what is inside of a value.
func (f *Field) nested(v any, path string, r Rules) any {
	switch v := v.(type) {
	case map[string]any:
		if f.Type == "record" && !f.Abstract {
			if e := f.record(v, path, r); len(e) > 0 {
				return e
			}
		}
		if f.Type == "map" {
			return f.entries(v, path, r)
		}
	case []any:
		if f.Elements == nil {
			return nil
		}
		var out []any
		for i, e := range v {
			if bad := f.Elements.validate(e, path+"[]", r); bad != nil {
				out = append(append(out, make([]any, i-len(out))...), bad)
			}
		}
		if out != nil {
			return out
		}
	}
	return nil
}

// entries judges the keys and values of a map. A bad key makes the whole map bad.
func (f *Field) entries(m map[string]any, path string, r Rules) any {
	out := Violations{}
	for _, k := range sorted(m) {
		if f.Keys != nil {
			if e := f.Keys.validate(k, path+"{}", r); e != nil {
				return e
			}
		}
		if f.Values != nil {
			if e := f.Values.validate(m[k], path+"."+k, r); e != nil {
				out[k] = e
			}
		}
	}
	if len(out) > 0 {
		return out
	}
	return nil
}

// typeError says which type was expected, or "".
func (f *Field) typeError(v any) string {
	ok := true
	switch f.Type {
	case "string":
		_, ok = v.(string)
	case "boolean":
		_, ok = v.(bool)
	case "number", "integer":
		n, isNumber := v.(float64)
		ok = isNumber && (f.Type == "number" || n == math.Trunc(n))
	case "array", "set":
		_, ok = v.([]any)
	case "map", "record", "foreign":
		_, ok = v.(map[string]any)
	}
	switch {
	case ok || v == nil:
		return ""
	case f.Type == "integer" || f.Type == "array":
		return "expected an " + f.Type
	}
	return "expected a " + f.Type
}

package schema

import (
	"fmt"
	"math"
	"regexp"
	"strings"

	"github.com/google/uuid"
)

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

// attribute judges a value of the right type by the field's constraints.
func (f *Field) attribute(v any) string {
	if f.HasEq && !equal(f.Eq, v) {
		return "value must be " + show(f.Eq)
	}
	if len(f.OneOf) > 0 && !contains(f.OneOf, v) {
		return "expected one of: " + commas(f.OneOf)
	}
	if len(f.NotOneOf) > 0 && contains(f.NotOneOf, v) {
		return "must not be one of: " + commas(f.NotOneOf)
	}
	switch v := v.(type) {
	case float64:
		if len(f.Between) == 2 && (v < f.Between[0] || v > f.Between[1]) {
			return fmt.Sprintf("value should be between %s and %s", show(f.Between[0]), show(f.Between[1]))
		}
		if f.Gt != nil && v <= *f.Gt {
			return "value must be greater than " + show(*f.Gt)
		}
	case string:
		return f.text(v)
	case []any:
		if e := f.length(len(v)); e != "" {
			return e
		}
		if f.Contains != nil && !contains(v, f.Contains) {
			return "expected to contain: " + show(f.Contains)
		}
		return f.exclusive(v)
	case map[string]any:
		if f.Type == "map" {
			return f.length(len(v))
		}
	}
	return ""
}

// text judges a string.
func (f *Field) text(s string) string {
	if e := f.length(len(s)); e != "" {
		return e
	}
	if f.UUID && uuid.Validate(s) != nil {
		return "expected a valid UUID"
	}
	if f.Match != "" && !MatchLua(f.Match, s) {
		return "invalid value: " + s
	}
	for _, p := range f.MatchNone {
		if MatchLua(p.Pattern, s) {
			return or(p.Err, "invalid value: "+s)
		}
	}
	for _, p := range f.MatchAll {
		if !MatchLua(p.Pattern, s) {
			return or(p.Err, "invalid value: "+s)
		}
	}
	if f.MatchAny != nil {
		found := false
		for _, p := range f.MatchAny.Patterns {
			found = found || MatchLua(p, s)
		}
		if !found {
			return or(f.MatchAny.Err, "invalid value: "+s)
		}
	}
	if f.StartsWith != "" && !strings.HasPrefix(s, f.StartsWith) {
		return "should start with: " + f.StartsWith
	}
	if f.IsRegex {
		if _, err := regexp.Compile(s); err != nil {
			return "not a valid regex: " + s
		}
	}
	return ""
}

// length judges how long a string is or how many elements a list has.
func (f *Field) length(n int) string {
	switch {
	case f.LenEq != nil && n != *f.LenEq:
		return fmt.Sprintf("length must be exactly %d", *f.LenEq)
	case f.LenMin != nil && n < *f.LenMin:
		return fmt.Sprintf("length must be at least %d", *f.LenMin)
	case f.LenMax != nil && n > *f.LenMax:
		return fmt.Sprintf("length must be at most %d", *f.LenMax)
	}
	return ""
}

// exclusive reports which of the subsets that exclude each other a set mixes.
func (f *Field) exclusive(set []any) string {
	var hit []string
	for _, subset := range f.MutuallyExclusiveSubsets {
		for _, s := range subset {
			if contains(set, s) {
				hit = append(hit, "('"+strings.Join(subset, "', '")+"')")
				break
			}
		}
	}
	if len(hit) > 1 {
		return "these sets are mutually exclusive: " + strings.Join(hit, ", ")
	}
	return ""
}

// message lets the schema's own words replace the usual ones.
func (f *Field) message(usual string) string { return or(f.Err, usual) }

package schema

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/jsonvalue"
)

// Mismatch says what is wrong with a value, in the words of Kong's schema. It
// never repeats the value: it may be a secret.
type Mismatch struct{ Message, Fix string }

// Place converts a value of a plugin's configuration, which is the text of a label, and puts
// it where its path says ("redis.host"); nil when that fits.
func (s *Schema) Place(config map[string]any, path, text string) *Mismatch {
	return s.config().place(config, strings.Split(path, "."), text)
}

// Lacking are the fields of a plugin's configuration that must be given and are not.
func (s *Schema) Lacking(config map[string]any) []string {
	var out []string
	for _, f := range s.config().fields {
		if f.required && f.kind != "record" && f.fallback == nil && !f.auto && config[f.name] == nil {
			out = append(out, f.name)
		}
	}
	return out
}

// place converts a value, which is text, and puts it at its path within the
// configuration (a record or map).
func (f *Field) place(into map[string]any, path []string, text string) *Mismatch {
	inner, name := f.child(path[0]), path[0]
	switch {
	case inner == nil && f.kind == "record":
		return f.unknown(name)
	case inner == nil:
		return &Mismatch{f.expected(), "write the value at the name of the field itself"}
	case len(path) == 1 || inner.kind != "record" && inner.kind != "map":
		if f.kind == "map" { // an entry's name may hold dots
			name, path = strings.Join(path, "."), path[:1]
		}
		if len(path) > 1 {
			return &Mismatch{inner.expected() + ", but something follows its name", "end the label's key with " + name}
		}
		value, wrong := inner.fromText(text)
		if wrong == nil {
			into[name] = value
		}
		return wrong
	}
	below, ok := into[name].(map[string]any)
	if !ok {
		below = map[string]any{}
		into[name] = below
	}
	return inner.place(below, path[1:], text)
}

// child is the field of a record, or what a map's entries are.
func (f *Field) child(name string) *Field {
	if f.kind == "map" {
		return f.inner(f.values)
	}
	for i := range f.fields {
		if f.fields[i].name == name {
			return &f.fields[i]
		}
	}
	return nil
}

func (f *Field) unknown(name string) *Mismatch {
	var names []string
	for _, inner := range f.fields {
		names = append(names, inner.name)
	}
	slices.Sort(names)
	wrong := &Mismatch{fmt.Sprintf("unknown field %.60q", name), "remove it; known are " + v1.OneLine(strings.Join(names, ", "))}
	if near := v1.Nearest(name, names); near != "" {
		wrong.Fix = "did you mean " + near + "?"
	}
	return wrong
}

// expected says in Kong's words what a value must be.
func (f *Field) expected() string {
	switch f.kind {
	case "integer", "array":
		return "expected an " + f.kind
	case "":
		return "expected a value"
	}
	return "expected a " + f.kind
}

// fromText converts the text of a label.
func (f *Field) fromText(text string) (any, *Mismatch) {
	switch f.kind {
	case "string", "":
		return f.fits(text)
	case "boolean":
		if text == "true" || text == "false" {
			return text == "true", nil
		}
		return nil, &Mismatch{f.expected(), "write true or false"}
	case "number", "integer":
		value, err := jsonvalue.Parse(text)
		if err != nil {
			return nil, &Mismatch{f.expected(), "write digits alone"}
		}
		return f.fits(value)
	case "array", "set":
		if strings.HasPrefix(text, "[") {
			break
		}
		var list []any
		for item := range strings.SplitSeq(text, ",") {
			value, wrong := f.inner(f.elements).fromText(strings.Trim(item, " "))
			if wrong != nil {
				return nil, wrong
			}
			list = append(list, value)
		}
		return list, nil
	}
	value, err := jsonvalue.Parse(text)
	if err != nil {
		how := `write it as JSON: {"name": …}`
		if f.kind == "array" || f.kind == "set" {
			how = `write a,b or as JSON: ["a","b"]`
		}
		return nil, &Mismatch{f.expected(), how}
	}
	return f.fits(value)
}

// fits holds a JSON value against the field, and returns it.
func (f *Field) fits(value any) (any, *Mismatch) {
	is := false
	switch v := value.(type) {
	case string:
		is = f.kind == "string" || f.kind == ""
	case bool:
		is = f.kind == "boolean"
	case json.Number:
		is = f.kind == "number" || f.kind == "integer" && !strings.Contains(jsonvalue.Spelled(v).String(), ".")
		if is {
			if wrong := f.bounds(v); wrong != nil {
				return nil, wrong
			}
		}
	case []any:
		is = f.kind == "array" || f.kind == "set"
		for i := range v {
			if _, wrong := f.inner(f.elements).fits(v[i]); is && wrong != nil {
				return nil, wrong
			}
		}
	case map[string]any:
		is = f.kind == "map" || f.kind == "record"
		for _, name := range slices.Sorted(maps.Keys(v)) {
			inner := f.child(name)
			if is && inner == nil {
				return nil, f.unknown(name)
			}
			if is {
				if _, wrong := inner.fits(v[name]); wrong != nil {
					return nil, &Mismatch{name + ": " + wrong.Message, wrong.Fix}
				}
			}
		}
	}
	if !is && f.kind != "" && f.kind != "any" && f.kind != "json" {
		return nil, &Mismatch{f.expected(), "write the value as that"}
	}
	if len(f.options) > 0 && !slices.Contains(f.options, fmt.Sprint(value)) {
		wrong := &Mismatch{"expected one of: " + strings.Join(f.options, ", "), "write one of them"}
		if near := v1.Nearest(fmt.Sprint(value), f.options); near != "" && !f.secret {
			wrong.Fix = "did you mean " + near + "?"
		}
		return nil, wrong
	}
	return value, nil
}

func (f *Field) bounds(n json.Number) *Mismatch {
	number, err := n.Float64()
	if err != nil {
		return &Mismatch{f.expected(), "write a smaller number"}
	}
	if len(f.between) == 2 {
		least, _ := f.between[0].Float64()
		most, _ := f.between[1].Float64()
		if number < least || number > most {
			return &Mismatch{fmt.Sprintf("value should be between %s and %s", f.between[0], f.between[1]), "write a number within"}
		}
	}
	if above, err := f.above.Float64(); err == nil && number <= above {
		return &Mismatch{fmt.Sprintf("value must be greater than %s", f.above), "write a greater number"}
	}
	return nil
}

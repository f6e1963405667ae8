package kong

import (
	"fmt"
	"maps"
)

// schema is one kind of entity as Kong itself describes it.
type schema struct {
	row      *row
	fields   []field
	defaults map[string]string // by field: the canonical text of the default
}

// field is one field of a schema or of a record within it.
type field struct {
	name     string
	kind     string // "string", "record", …
	auto     bool   // Kong gives the value: ids and times
	fallback any    // the default; nil when there is none
	fields   []field
}

// parseSchema reads the answer to GET /schemas/{kind}.
func parseSchema(row *row, text []byte) (*schema, error) {
	body, err := decodeBody(text)
	if err != nil {
		return nil, err
	}
	fields, err := parseFields(body["fields"])
	if err != nil {
		return nil, err
	}
	s := &schema{row: row, fields: fields, defaults: make(map[string]string, len(fields))}
	for _, f := range fields {
		s.defaults[f.name] = canonical(row, f.name, f.filled(nil))
	}
	return s, nil
}

// parseFields reads a list of objects with one key each: [{"name": {…}}, …].
func parseFields(value any) ([]field, error) {
	list, ok := value.([]any)
	if !ok {
		return nil, fmt.Errorf("fields are %T, not a list", value)
	}
	var fields []field
	for _, element := range list {
		entry, _ := element.(map[string]any)
		for name, about := range entry {
			description, ok := about.(map[string]any)
			if !ok {
				return nil, fmt.Errorf("the field %s is %T, not an object", name, about)
			}
			f := field{name: name, fallback: description["default"]}
			f.kind, _ = description["type"].(string)
			f.auto, _ = description["auto"].(bool)
			if f.kind == "record" {
				nested, err := parseFields(description["fields"])
				if err != nil {
					return nil, fmt.Errorf("in the field %s: %w", name, err)
				}
				f.fields = nested
			}
			fields = append(fields, f)
		}
	}
	return fields, nil
}

// others returns the fields of an entity that the row does not name and that are
// not as Kong has them by default. A field that is not in the schema counts as
// well, unless it is empty.
func (s *schema) others(body map[string]any) map[string]any {
	var out map[string]any
	differs := func(name string, value any) {
		if out == nil {
			out = map[string]any{}
		}
		out[name] = value
	}
	for _, f := range s.fields {
		if f.auto || s.row.names(f.name) {
			continue
		}
		value, given := body[f.name]
		if !given || value == nil {
			continue // Kong fills it in
		}
		if value = f.filled(value); canonical(s.row, f.name, value) != s.defaults[f.name] {
			differs(f.name, value)
		}
	}
	for name, value := range body {
		if _, known := s.defaults[name]; !known && !s.row.names(name) && normal(value) != nil {
			differs(name, value)
		}
	}
	return out
}

// filled returns the value of a field with defaults where it says nothing, also
// within records.
func (f *field) filled(value any) any {
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

package kong

import "fmt"

// schema is one kind of entity as Kong itself describes it.
type schema struct{ fields []field }

// field is one field of a schema or of a record within it.
type field struct {
	name     string
	kind     string // "string", "record", …
	auto     bool   // Kong gives the value: ids and times
	fallback any    // the default; nil when there is none
	fields   []field
}

// parseSchema reads the answer to GET /schemas/{kind}.
func parseSchema(text []byte) (*schema, error) {
	body, err := decodeBody(text)
	if err != nil {
		return nil, err
	}
	fields, err := parseFields(body["fields"])
	if err != nil {
		return nil, err
	}
	return &schema{fields}, nil
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
// not as Kong has them by default. A field that is gone from the schema counts
// as well, unless it is empty.
func (s *schema) others(r *row, body map[string]any) map[string]any {
	defaults := fill(s.fields, nil)
	known := map[string]bool{"created_at": true, "updated_at": true}
	for _, f := range s.fields {
		if f.auto {
			known[f.name] = true
		}
	}
	for _, name := range r.fields {
		known[name] = true
	}
	for name := range r.refs {
		known[name] = true
	}
	var out map[string]any
	full := fill(s.fields, body)
	for name, value := range full {
		if known[name] || canonical(r, name, value) == canonical(r, name, defaults[name]) {
			continue
		}
		if out == nil {
			out = map[string]any{}
		}
		out[name] = value
	}
	return out
}

// fill returns a copy of an entity in which fields that are missing or null
// have their defaults, also within records.
func fill(fields []field, body map[string]any) map[string]any {
	out := make(map[string]any, len(fields))
	for name, value := range body {
		out[name] = value
	}
	for _, f := range fields {
		value, ok := out[f.name]
		if !ok || value == nil {
			value = f.fallback
		}
		if f.kind == "record" {
			nested, _ := value.(map[string]any)
			value = fill(f.fields, nested)
		}
		out[f.name] = value
	}
	return out
}

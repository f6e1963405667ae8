package kong

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/kong/jsonvalue"
)

// schema is one kind of entity as Kong itself describes it.
type schema struct {
	row      *entity.Row
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
	elements *field // of a list or set
	values   *field // of a map
	required bool
	secret   bool // Kong encrypts the value, or takes a reference to a secret for it
	options  []string
	between  []json.Number
	above    json.Number
	moved    map[string][]string // of a record: names that fields had before, and where they are now
}

// parseSchema reads the answer to GET /schemas/{section}.
func parseSchema(row *entity.Row, text []byte) (*schema, error) {
	body, err := jsonvalue.Object(text)
	if err != nil {
		return nil, err
	}
	fields, err := parseFields(body["fields"])
	if err != nil {
		return nil, err
	}
	return newSchema(row, fields), nil
}

func newSchema(row *entity.Row, fields []field) *schema {
	s := &schema{row: row, fields: fields, defaults: make(map[string]string, len(fields))}
	for _, f := range fields {
		s.defaults[f.name] = entity.Canonical(row, f.name, f.filled(nil))
	}
	return s
}

// field returns the field of that name, or nil.
func (s *schema) field(name string) *field {
	for i := range s.fields {
		if s.fields[i].name == name {
			return &s.fields[i]
		}
	}
	return nil
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
			f, err := parseField(name, description)
			if err != nil {
				return nil, fmt.Errorf("in the field %s: %w", name, err)
			}
			fields = append(fields, f)
		}
	}
	return fields, nil
}

// parseField reads what a schema says of one field.
func parseField(name string, description map[string]any) (field, error) {
	f := field{name: name, fallback: description["default"]}
	f.kind, _ = description["type"].(string)
	f.auto, _ = description["auto"].(bool)
	f.required, _ = description["required"].(bool)
	encrypted, _ := description["encrypted"].(bool)
	referenceable, _ := description["referenceable"].(bool)
	f.secret = encrypted || referenceable
	f.above, _ = description["gt"].(json.Number)
	options, _ := description["one_of"].([]any)
	for _, option := range options {
		f.options = append(f.options, fmt.Sprint(option))
	}
	bounds, _ := description["between"].([]any)
	for _, bound := range bounds {
		if number, ok := bound.(json.Number); ok {
			f.between = append(f.between, number)
		}
	}
	for name, inner := range map[string]**field{"elements": &f.elements, "values": &f.values} {
		if about, ok := description[name].(map[string]any); ok {
			nested, err := parseField(name, about)
			if err != nil {
				return field{}, err
			}
			nested.secret = nested.secret || f.secret
			*inner = &nested
		}
	}
	if f.kind == "record" && description["fields"] != nil { // that of any plugin's configuration has none
		nested, err := parseFields(description["fields"])
		if err != nil {
			return field{}, err
		}
		f.fields = nested
		f.moved = parseShorthands(description["shorthand_fields"])
	}
	return f, nil
}

// parseShorthands reads which names stand for a field elsewhere in the record.
func parseShorthands(value any) map[string][]string {
	list, _ := value.([]any)
	moved := map[string][]string{}
	for _, element := range list {
		entry, _ := element.(map[string]any)
		for name, about := range entry {
			if path := replacement(about); len(path) > 0 {
				moved[name] = path
			}
		}
	}
	return moved
}

// replacement is where a schema says that a shorthand's value goes; nil where it
// does not say, or says several.
func replacement(about any) []string {
	description, _ := about.(map[string]any)
	deprecation, _ := description["deprecation"].(map[string]any)
	for _, holder := range []map[string]any{deprecation, description} {
		targets, _ := holder["replaced_with"].([]any)
		if len(targets) != 1 {
			continue
		}
		target, _ := targets[0].(map[string]any)
		parts, _ := target["path"].([]any)
		var path []string
		for _, part := range parts {
			path = append(path, fmt.Sprint(part))
		}
		return path
	}
	// Before 3.8 Kong says alone whence it takes the value when it gives the old name back.
	parts, _ := description["translate_backwards"].([]any)
	var path []string
	for _, part := range parts {
		path = append(path, fmt.Sprint(part))
	}
	return path
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

// same reports whether two values of a field are the same, nil being its default. Of
// what it does not call the same, some may be: a list in another order, for instance.
func (f *field) same(a, b any) bool {
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

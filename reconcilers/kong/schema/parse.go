package schema

import (
	"encoding/json"
	"fmt"

	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/kong/jsonvalue"
)

// parse reads the answer to GET /schemas/{section}, which is about a kind of the table.
func parse(row *entity.Row, text []byte) (*Schema, error) {
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

func newSchema(row *entity.Row, fields []Field) *Schema {
	s := &Schema{row: row, fields: fields, defaults: make(map[string]string, len(fields))}
	for _, f := range fields {
		s.defaults[f.name] = entity.Canonical(row, f.name, f.filled(nil))
	}
	return s
}

// parseFields reads a list of objects with one key each: [{"name": {…}}, …].
func parseFields(value any) ([]Field, error) {
	list, ok := value.([]any)
	if !ok {
		return nil, fmt.Errorf("fields are %T, not a list", value)
	}
	var fields []Field
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
func parseField(name string, description map[string]any) (Field, error) {
	f := Field{name: name, fallback: description["default"]}
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
	for name, inner := range map[string]**Field{"elements": &f.elements, "values": &f.values} {
		if about, ok := description[name].(map[string]any); ok {
			nested, err := parseField(name, about)
			if err != nil {
				return Field{}, err
			}
			nested.secret = nested.secret || f.secret
			*inner = &nested
		}
	}
	if f.kind == "record" && description["fields"] != nil { // that of any plugin's configuration has none
		nested, err := parseFields(description["fields"])
		if err != nil {
			return Field{}, err
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

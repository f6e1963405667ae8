package schema

import (
	"encoding/json"
	"slices"

	"github.com/lockstep/lockstep/reconcilers/kong/entity"
)

// Schema is one kind of entity, or one plugin, as Kong itself describes it. It is not changed
// once it is read.
type Schema struct {
	row      *entity.Row
	fields   []Field
	defaults map[string]string // by field: the canonical text of the default
}

// Field is one field of a schema or of a record within it.
type Field struct {
	name     string
	kind     string // "string", "record", …
	auto     bool   // Kong gives the value: ids and times
	fallback any    // the default; nil when there is none
	fields   []Field
	elements *Field // of a list or set
	values   *Field // of a map
	required bool
	secret   bool // Kong encrypts the value, or takes a reference to a secret for it
	options  []string
	between  []json.Number
	above    json.Number
	moved    map[string][]string // of a record: names that fields had before, and where they are now
}

// field returns the field of that name, or nil.
func (s *Schema) field(name string) *Field {
	for i := range s.fields {
		if s.fields[i].name == name {
			return &s.fields[i]
		}
	}
	return nil
}

// extended is the schema of all plugins with what one says of its own fields.
func (s *Schema) extended(own *Schema) *Schema {
	fields := slices.Clone(own.fields)
	for _, f := range s.fields {
		if own.field(f.name) == nil {
			fields = append(fields, f)
		}
	}
	return newSchema(s.row, fields)
}

// config is the field of a plugin's configuration.
func (s *Schema) config() *Field {
	if top := s.field("config"); top != nil {
		return top
	}
	return &Field{name: "config", kind: "record"}
}

// Top is an entity as a whole. Of a Field nobody sees more than what follows; nil is one of
// which nothing is known.
func (s *Schema) Top() *Field { return &Field{kind: "record", fields: s.fields} }

// At is the field of that name in a record, or what a map's entries are.
func (f *Field) At(name string) *Field {
	if f == nil {
		return nil
	}
	return f.child(name)
}

// Element is what the elements of a list are.
func (f *Field) Element() *Field {
	if f == nil {
		return nil
	}
	return f.inner(f.elements)
}

// Secret reports whether Kong takes the value for a secret.
func (f *Field) Secret() bool { return f != nil && f.secret }

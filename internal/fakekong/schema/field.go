package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Field is one field of a schema with its type, default and constraints. A whole
// schema is a Field of type record.
type Field struct {
	Name string
	attributes

	Default, Eq       any // meaningful when HasDefault, HasEq
	HasDefault, HasEq bool

	Fields     []*Field // of a record, in the schema's order
	Shorthands []*Field // other spellings of fields, accepted and shown
	Checks     []Check  // across the fields of a record
}

// attributes are the parts of a field that decode as they are.
type attributes struct {
	Type       string    `json:"type"`
	Required   bool      `json:"required"`
	Auto       bool      `json:"auto"`
	UUID       bool      `json:"uuid"`
	Timestamp  bool      `json:"timestamp"`
	Unique     bool      `json:"unique"`
	Transient  bool      `json:"transient"`
	Abstract   bool      `json:"abstract"`
	IsRegex    bool      `json:"is_regex"`
	Err        string    `json:"err"`
	Reference  string    `json:"reference"`
	OnDelete   string    `json:"on_delete"`
	OneOf      list[any] `json:"one_of"`
	NotOneOf   list[any] `json:"not_one_of"`
	Between    []float64 `json:"between"`
	Gt         *float64  `json:"gt"`
	LenMin     *int      `json:"len_min"`
	LenMax     *int      `json:"len_max"`
	LenEq      *int      `json:"len_eq"`
	Match      string    `json:"match"`
	StartsWith string    `json:"starts_with"`
	Contains   any       `json:"contains"`
	Elements   *Field    `json:"elements"`
	Keys       *Field    `json:"keys"`
	Values     *Field    `json:"values"`

	MatchNone list[pattern] `json:"match_none"`
	MatchAll  list[pattern] `json:"match_all"`
	MatchAny  *struct {
		Patterns []string `json:"patterns"`
		Err      string   `json:"err"`
	} `json:"match_any"`

	MutuallyExclusiveSubsets [][]string `json:"mutually_exclusive_subsets"`

	Deprecation *struct {
		ReplacedWith []struct {
			Path []string `json:"path"`
		} `json:"replaced_with"`
	} `json:"deprecation"`
}

// pattern is a Lua pattern with the message for when it decides against a value.
type pattern struct {
	Pattern string `json:"pattern"`
	Err     string `json:"err"`
}

// list is an array in which Lua's empty table, written {}, is an empty one.
type list[T any] []T

// UnmarshalJSON implements json.Unmarshaler.
func (l *list[T]) UnmarshalJSON(data []byte) error {
	if bytes.Equal(bytes.TrimSpace(data), []byte("{}")) {
		*l = nil
		return nil
	}
	return json.Unmarshal(data, (*[]T)(l))
}

// Parse reads a schema as /schemas answers it.
func Parse(data []byte) (*Field, error) {
	f := &Field{}
	if err := json.Unmarshal(data, f); err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	f.Type = "record"
	return f, nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (f *Field) UnmarshalJSON(data []byte) error {
	if err := json.Unmarshal(data, &f.attributes); err != nil {
		return err
	}
	var rest struct {
		Fields     list[map[string]*Field] `json:"fields"`
		Shorthands list[map[string]*Field] `json:"shorthand_fields"`
		Checks     list[Check]             `json:"entity_checks"`
		Default    json.RawMessage         `json:"default"`
		Eq         json.RawMessage         `json:"eq"`
	}
	if err := json.Unmarshal(data, &rest); err != nil {
		return err
	}
	f.Fields, f.Shorthands, f.Checks = named(rest.Fields), named(rest.Shorthands), rest.Checks
	if f.HasEq = rest.Eq != nil; f.HasEq {
		if err := json.Unmarshal(rest.Eq, &f.Eq); err != nil {
			return err
		}
	}
	if rest.Default == nil {
		return nil
	}
	err := json.Unmarshal(rest.Default, &f.Default)
	f.HasDefault = f.Default != nil
	return err
}

// named takes the fields out of their one-key objects.
func named(in []map[string]*Field) []*Field {
	var out []*Field
	for _, m := range in {
		for name, f := range m {
			f.Name = name
			out = append(out, f)
		}
	}
	return out
}

// Field returns the field of that name, or nil.
func (f *Field) Field(name string) *Field {
	for _, sub := range f.Fields {
		if sub.Name == name {
			return sub
		}
	}
	return nil
}

// Extend returns the schema with the fields of another put over its own and the
// other's checks added: how a plugin's schema completes that of all plugins.
func (f *Field) Extend(over *Field) *Field {
	out := *f
	out.Fields = make([]*Field, len(f.Fields))
	for i, sub := range f.Fields {
		out.Fields[i] = sub
		if other := over.Field(sub.Name); other != nil {
			merged := *other
			merged.OnDelete = sub.OnDelete
			out.Fields[i] = &merged
		}
	}
	out.Checks = append(append([]Check{}, f.Checks...), over.Checks...)
	return &out
}

// target is where a shorthand's value is kept, or nil.
func (f *Field) target() []string {
	if f.Deprecation == nil || len(f.Deprecation.ReplacedWith) == 0 {
		return nil
	}
	return f.Deprecation.ReplacedWith[0].Path
}

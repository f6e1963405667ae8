// Package jsonvalue has the entities of Kong as plain JSON values: nil, bool, string,
// json.Number, []any and map[string]any.
//
// In: go-kong's types (Of), or what Kong answers (Object, Parse); numbers stay as they
// are spelled there. Out: values, and for each a text that is equal for equal meanings
// (Text), by which they are compared.
package jsonvalue

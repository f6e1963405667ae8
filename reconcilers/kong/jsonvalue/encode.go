package jsonvalue

import (
	"encoding"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Of turns one of go-kong's types, or a map, to what Object would make of its JSON,
// without writing that: a set of services has thousands of them. What JSON has no form
// for, and what is no object there, is an error; of nil nothing is made.
func Of(entity any) (map[string]any, error) {
	value, err := valueOf(reflect.ValueOf(entity))
	if err != nil {
		return nil, err
	}
	body, ok := value.(map[string]any)
	if !ok && value != nil {
		return nil, fmt.Errorf("%T is no JSON object", entity)
	}
	return body, nil
}

// asWritten is a value that says by itself how it is written: read again from its JSON.
func asWritten(v reflect.Value) (out any, err error) {
	text, err := json.Marshal(v.Interface())
	if err != nil {
		return nil, err
	}
	return Parse(string(text))
}

// valueOf is a value as JSON has it: nil, bool, string, json.Number, []any or map[string]any.
func valueOf(v reflect.Value) (any, error) {
	switch v.Kind() {
	case reflect.Invalid:
		return nil, nil
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil, nil
		}
		return valueOf(v.Elem())
	case reflect.Bool:
		return v.Bool(), nil
	case reflect.String:
		if v.Type() == reflect.TypeFor[json.Number]() {
			return json.Number(v.String()), nil
		}
		return strings.ToValidUTF8(v.String(), "\ufffd"), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return json.Number(strconv.FormatInt(v.Int(), 10)), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return json.Number(strconv.FormatUint(v.Uint(), 10)), nil
	case reflect.Float32, reflect.Float64:
		text, err := json.Marshal(v.Float())
		return json.Number(text), err
	case reflect.Slice, reflect.Array:
		return listOf(v)
	case reflect.Map:
		return mapOf(v)
	case reflect.Struct:
		return structOf(v)
	}
	return nil, fmt.Errorf("%s is nothing that JSON has", v.Type())
}

func listOf(v reflect.Value) (any, error) {
	if v.Kind() == reflect.Slice && v.IsNil() {
		return nil, nil
	}
	if v.Type().Elem().Kind() == reflect.Uint8 {
		return asWritten(v)
	}
	out := make([]any, v.Len())
	for i := range out {
		var err error
		if out[i], err = valueOf(v.Index(i)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func mapOf(v reflect.Value) (any, error) {
	if v.IsNil() {
		return nil, nil
	}
	if v.Type().Key().Kind() != reflect.String {
		return nil, fmt.Errorf("%s has keys that are no text", v.Type())
	}
	out := make(map[string]any, v.Len())
	for at := v.MapRange(); at.Next(); {
		value, err := valueOf(at.Value())
		if err != nil {
			return nil, err
		}
		out[strings.ToValidUTF8(at.Key().String(), "\ufffd")] = value
	}
	return out, nil
}

func structOf(v reflect.Value) (any, error) {
	if t := v.Type(); t.Implements(reflect.TypeFor[json.Marshaler]()) || t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
		return asWritten(v)
	}
	out := make(map[string]any, 8)
	for _, f := range fieldsOf(v.Type()) {
		inner := v.FieldByIndex(f.index)
		if f.omitempty && isEmpty(inner) {
			continue
		}
		value, err := valueOf(inner)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		out[f.name] = value
	}
	return out, nil
}

// isEmpty is what omitempty leaves out.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map, reflect.String, reflect.Array:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

// jsonField is a field of a struct as its tag has it.
type jsonField struct {
	name      string
	index     []int
	omitempty bool
}

// typesKnown are the fields of the structs that were met, by type.
var typesKnown sync.Map

// fieldsOf returns the fields of a struct, outer ones before those of embedded structs.
func fieldsOf(t reflect.Type) []jsonField {
	if known, ok := typesKnown.Load(t); ok {
		if fields, ok := known.([]jsonField); ok {
			return fields
		}
	}
	found := map[string]jsonField{}
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" {
			continue
		}
		if outer, twice := found[name]; !twice || len(f.Index) < len(outer.index) {
			found[name] = jsonField{name, f.Index, options == "omitempty"}
		}
	}
	fields := slices.SortedFunc(maps.Values(found), func(a, b jsonField) int { return strings.Compare(a.name, b.name) })
	typesKnown.Store(t, fields)
	return fields
}

package native

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/go-openapi/strfmt"
)

// validator is what each of client-native's models has.
type validator interface {
	Validate(strfmt.Registry) error
}

// decodeModel fills in a model, and has it look whether its values are possible.
func decodeModel(of reflect.Type, place string, fields map[string]any) (validator, error) {
	if strange := strangeFields(of, place, fields); len(strange) > 0 {
		return nil, fmt.Errorf("HAProxy's model %s knows no %s", of.Name(), strings.Join(strange, ", "))
	}
	text, err := json.Marshal(fields)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", place, err)
	}
	model, ok := reflect.TypeAssert[validator](reflect.New(of))
	if !ok {
		return nil, fmt.Errorf("%s is no model of HAProxy's", of.Name())
	}
	if err := json.Unmarshal(text, model); err != nil {
		return nil, fmt.Errorf("%s: %w", cmp.Or(place, of.Name()), err)
	}
	if err := model.Validate(strfmt.Default); err != nil {
		return nil, fmt.Errorf("%s: %s", cmp.Or(place, of.Name()), strings.Join(strings.Fields(err.Error()), " "))
	}
	return model, nil
}

// strangeFields returns the fields that a model does not know, with their places.
func strangeFields(of reflect.Type, place string, value any) []string {
	for of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	var strange []string
	switch v := value.(type) {
	case []any:
		if of.Kind() == reflect.Slice {
			for i, item := range v {
				strange = append(strange, strangeFields(of.Elem(), fmt.Sprintf("%s[%d]", place, i), item)...)
			}
		}
	case map[string]any:
		if of.Kind() != reflect.Struct {
			return nil // decoding says what is wrong with it
		}
		known := jsonFields(of)
		for _, key := range slices.Sorted(maps.Keys(v)) {
			path := strings.TrimPrefix(place+"."+key, ".")
			if field, ok := known[key]; ok {
				strange = append(strange, strangeFields(field, path, v[key])...)
			} else {
				strange = append(strange, path)
			}
		}
	}
	return strange
}

// jsonFields returns the fields of a struct by the names that JSON has for them.
func jsonFields(of reflect.Type) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	for _, field := range reflect.VisibleFields(of) {
		if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" && name != "-" {
			fields[name] = field.Type
		}
	}
	return fields
}

// printable refuses texts that could end a line.
func printable(place string, value any) error {
	switch v := value.(type) {
	case string:
		if at := strings.IndexFunc(v, func(c rune) bool { return c < ' ' || c == 0x7f || c == 0x85 || c == 0x2028 || c == 0x2029 }); at >= 0 {
			return fmt.Errorf("%s holds the control character %q", place, v[at:at+1])
		}
	case []any:
		for i, item := range v {
			if err := printable(fmt.Sprintf("%s[%d]", place, i), item); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if err := printable(strings.TrimPrefix(place+"."+key, "."), v[key]); err != nil {
				return err
			}
		}
	}
	return nil
}

package native

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// A Fault is what is wrong with a body.
type Fault struct {
	Path    string // of the field: servers[0].port; "" for the section as a whole
	Message string
	Fix     string
}

// What to do about a value that is another sort of thing.
const (
	fixNumber = "write a number, without quotes"
	fixText   = "put it between quotes if it is meant as text"
	fixFlag   = "write true or false, without quotes"
	fixList   = "begin each item with a hyphen"
	fixMap    = "write its fields below it, one a line: name: value"
)

// below is the path of a field of what stands at a path.
func below(path, field string) string { return strings.TrimPrefix(path+"."+field, ".") }

// last is the name of the field at a path, or that of the list whose item it is.
func last(path string) string {
	name := path[strings.LastIndexByte(path, '.')+1:]
	if list, _, isItem := strings.Cut(name, "["); isItem {
		return "an item of " + list
	}
	return name
}

// unknown is a field that nobody knows, with the nearest one.
func unknown(path string, known []string) Fault {
	slices.Sort(known)
	fix := "write one of: " + strings.Join(known, ", ")
	if near := v1.Nearest(last(path), known); near != "" {
		fix = "did you mean " + near + "?"
	}
	return Fault{path, "unknown field " + strconv.Quote(last(path)), fix}
}

// shape says in words what a value is.
func shape(value any) string {
	switch value.(type) {
	case nil:
		return "nothing"
	case string:
		return "text"
	case bool:
		return "true or false"
	case []any:
		return "a list"
	case map[string]any:
		return "a map"
	}
	return "a number"
}

// inspection looks whether a body fits the fields and types of models.
type inspection struct {
	top     string   // the path where it begins
	besides []string // fields there that are known, and read elsewhere
	faults  []Fault
}

// mismatch notes that a value is another sort of thing than is wanted.
func (in *inspection) mismatch(path string, value any, wanted, fix string) {
	in.faults = append(in.faults, Fault{path, fmt.Sprintf("%s is %s, not %s", last(path), shape(value), wanted), fix})
}

// fitting returns what fits the type of a value, which is left as it is, and false for
// one that does not fit at all.
func (in *inspection) fitting(of reflect.Type, path string, value any) (any, bool) {
	for of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	if value == nil {
		return nil, true
	}
	switch of.Kind() { //nolint:exhaustive // models hold no others; decoding would say so
	case reflect.Struct:
		if fields, ok := value.(map[string]any); ok {
			return in.fields(jsonFields(of), path, fields), true
		}
		in.mismatch(path, value, "a map", fixMap)
	case reflect.Slice:
		if items, ok := value.([]any); ok {
			return in.items(of.Elem(), path, items)
		}
		in.mismatch(path, value, "a list", fixList)
	case reflect.String:
		if _, ok := value.(string); ok {
			return value, true
		}
		in.mismatch(path, value, "text", fixText)
	case reflect.Bool:
		if _, ok := value.(bool); ok {
			return value, true
		}
		in.mismatch(path, value, "true or false", fixFlag)
	case reflect.Int, reflect.Int64, reflect.Int32:
		return value, in.whole(path, value)
	default:
		return value, true
	}
	return nil, false
}

// fields returns those of a map that are known and fit.
func (in *inspection) fields(known map[string]reflect.Type, path string, fields map[string]any) map[string]any {
	fit := make(map[string]any, len(fields))
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		of, ok := known[key]
		if !ok {
			words := slices.Collect(maps.Keys(known))
			if path == in.top {
				words = append(words, in.besides...)
			}
			in.faults = append(in.faults, unknown(below(path, key), words))
			continue
		}
		if value, ok := in.fitting(of, below(path, key), fields[key]); ok {
			fit[key] = value
		}
	}
	return fit
}

// items returns a list, if all of it fits: without one of them the others would have other places.
func (in *inspection) items(of reflect.Type, path string, items []any) (any, bool) {
	fit, all := make([]any, len(items)), true
	for i, item := range items {
		value, ok := in.fitting(of, fmt.Sprintf("%s[%d]", path, i), item)
		fit[i], all = value, all && ok
	}
	return fit, all
}

// whole reports whether a value is a whole number that every model can hold.
func (in *inspection) whole(path string, value any) bool {
	switch n := value.(type) {
	case int, int64:
		return true
	case float64:
		if n == math.Trunc(n) && math.Abs(n) < 1<<53 {
			return true
		}
		in.faults = append(in.faults, Fault{path, fmt.Sprintf("%s is %v, not a whole number", last(path), n), "write a whole number"})
		return false
	}
	in.mismatch(path, value, "a number", fixNumber)
	return false
}

// unprintable names the texts that could end a line.
func unprintable(path string, value any) []Fault {
	var faults []Fault
	switch v := value.(type) {
	case string:
		if at := strings.IndexFunc(v, func(c rune) bool { return c < ' ' || c == 0x7f || c == 0x85 || c == 0x2028 || c == 0x2029 }); at >= 0 {
			faults = append(faults, Fault{path, fmt.Sprintf("%s holds the control character %q", last(path), []rune(v[at:])[0]), "write plain words on one line"})
		}
	case []any:
		for i, item := range v {
			faults = append(faults, unprintable(fmt.Sprintf("%s[%d]", path, i), item)...)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			faults = append(faults, unprintable(below(path, key), v[key])...)
		}
	}
	return faults
}

package schema

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Message renders violations as one sentence, as Kong does: those of the whole
// first, then the fields in order.
func (v Violations) Message() string {
	var parts []string
	if whole, ok := v[Entity].([]any); ok {
		for _, m := range whole {
			parts = append(parts, show(m))
		}
	}
	v.Each(func(field, message string) {
		if field != Entity {
			parts = append(parts, field+": "+message)
		}
	})
	if len(parts) == 1 {
		return fmt.Sprintf("schema violation (%s)", parts[0])
	}
	return fmt.Sprintf("%d schema violations (%s)", len(parts), strings.Join(parts, "; "))
}

// Each calls f with each violation: fields by their dotted names in order, elements
// by their number from one ("paths.1"), those of the whole as Entity.
func (v Violations) Each(f func(field, message string)) { each("", v, f) }

func each(prefix string, e any, f func(field, message string)) {
	switch e := e.(type) {
	case Violations:
		for _, name := range slices.Sorted(maps.Keys(e)) {
			if whole, ok := e[name].([]any); ok && name == Entity {
				for _, m := range whole {
					f(or(prefix, Entity), show(m))
				}
				continue
			}
			each(join(prefix, name), e[name], f)
		}
	case []any:
		for i, sub := range e {
			if sub != nil {
				each(join(prefix, strconv.Itoa(i+1)), sub, f)
			}
		}
	case string:
		f(prefix, e)
	}
}

// show writes a value into a message.
func show(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

func commas(l []any) string {
	parts := make([]string, len(l))
	for i, v := range l {
		parts[i] = show(v)
	}
	return strings.Join(parts, ", ")
}

func quoted(fields []string) string { return "'" + strings.Join(fields, "', '") + "'" }

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func or(s, otherwise string) string {
	if s != "" {
		return s
	}
	return otherwise
}

// empty reports whether a value counts as not given.
func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

func equal(a, b any) bool { return reflect.DeepEqual(a, b) }

func contains(l []any, v any) bool {
	return slices.ContainsFunc(l, func(e any) bool { return equal(e, v) })
}

func sorted(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

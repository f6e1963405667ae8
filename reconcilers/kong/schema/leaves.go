package schema

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/lockstep/lockstep/reconcilers/kong/jsonvalue"
	"github.com/lockstep/lockstep/reconcilers/kong/secret"
)

// leaves notes the values of a field, and of those within it, that are not
// Kong's defaults.
func (f *Field) leaves(path string, value any, veiled secret.Veil, out map[string]any) {
	if f.kind == "record" && f.fallback == nil && len(f.fields) > 0 {
		given, _ := value.(map[string]any)
		for i := range f.fields {
			inner := &f.fields[i]
			v := given[inner.name]
			if v == nil && (inner.kind != "record" || inner.fallback != nil) {
				v = inner.fallback
			}
			inner.leaves(path+"."+inner.name, v, veiled, out)
		}
		return
	}
	if f.madeUp() {
		return
	}
	text := f.text(value, veiled)
	if text == f.text(f.fallback, veiled) {
		return
	}
	if veiled.Covers(path) && text != "" {
		text = veiled.Digest(text)
	}
	out[path] = text
}

// text is the same for values that mean the same.
func (f *Field) text(value any, veiled secret.Veil) string {
	switch v := f.normal(value, veiled).(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	default:
		text, err := json.Marshal(v)
		if err != nil { // JSON came in, so JSON goes out
			return fmt.Sprint(v)
		}
		return string(text)
	}
}

// normal returns a value with defaults filled in, numbers in one spelling, sets
// in order, secrets as digests and without what says nothing.
func (f *Field) normal(value any, veiled secret.Veil) any {
	if value == nil {
		return nil
	}
	switch v := value.(type) {
	case map[string]any:
		out := map[string]any{}
		put := func(name string, inner *Field, element any) {
			if n := inner.normal(element, veiled); n != nil {
				out[name] = n
			}
		}
		if f.kind == "record" && len(f.fields) > 0 {
			for i := range f.fields {
				inner := &f.fields[i]
				put(inner.name, inner, inner.filled(v[inner.name]))
			}
		} else {
			for name, element := range v {
				put(name, f.inner(f.values), element)
			}
		}
		if len(out) == 0 {
			return nil
		}
		return out
	case []any:
		out := make([]any, 0, len(v))
		for _, element := range v {
			out = append(out, f.inner(f.elements).normal(element, veiled))
		}
		if f.kind == "set" {
			slices.SortFunc(out, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		}
		if len(out) == 0 {
			return nil
		}
		return out
	}
	if f.secret {
		return veiled.Digest(fmt.Sprint(value))
	}
	if number, ok := value.(json.Number); ok {
		return jsonvalue.Spelled(number)
	}
	return value
}

// inner is what is known of a part of a value: nothing, but whether it is secret.
func (f *Field) inner(part *Field) *Field {
	if part == nil {
		return &Field{secret: f.secret}
	}
	return part
}

// madeUp reports whether Kong makes the value up when none is given: it can't be
// compared, for nobody knows what it would be.
func (f *Field) madeUp() bool { return f.auto || f.secret && f.fallback != nil }

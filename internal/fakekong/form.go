package fakekong

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/lockstep/lockstep/internal/fakekong/schema"
)

// readForm turns a form ("paths[]=/a", "service.name=web", "port=80") into the
// entity that it stands for, with values of the types that the schema asks for.
func readForm(form url.Values, sch *schema.Field, into map[string]any) {
	for name, values := range form {
		name = strings.TrimSuffix(name, "[]")
		f, at := sch, into
		path := strings.Split(name, ".")
		for _, p := range path[:len(path)-1] {
			next, isMap := at[p].(map[string]any)
			if !isMap {
				next = map[string]any{}
				at[p] = next
			}
			at = next
			if f != nil {
				f = f.Field(p)
			}
		}
		last := path[len(path)-1]
		if f != nil {
			f = f.Field(last)
		}
		at[last] = formValue(f, values)
	}
}

func formValue(f *schema.Field, values []string) any {
	if f != nil && (f.Type == "array" || f.Type == "set") {
		list := []any{}
		for _, v := range values {
			list = append(list, formValue(f.Elements, []string{v}))
		}
		return list
	}
	v := values[0]
	if v == "" {
		return nil
	}
	if f != nil {
		switch f.Type {
		case "number", "integer":
			if n, err := strconv.ParseFloat(v, 64); err == nil {
				return n
			}
		case "boolean":
			if b, err := strconv.ParseBool(v); err == nil {
				return b
			}
		}
	}
	return v
}

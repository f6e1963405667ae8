package schema

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lockstep/lockstep/reconcilers/kong/entity"
)

// Fault is what is wrong at one place of an entity.
type Fault struct {
	Path string
	Mismatch
}

// Judge holds an entity against Kong's own schema, after it has put shorthands in their place,
// in the body itself. It never repeats a value.
func (s *Schema) Judge(body map[string]any) []Fault {
	top := &Field{kind: "record", fields: s.fields}
	top.unfold(body)
	return top.judge("", body, s.row)
}

func (f *Field) judge(path string, body map[string]any, row *entity.Row) []Fault {
	var faults []Fault
	for _, name := range slices.Sorted(maps.Keys(body)) {
		at, inner := strings.TrimPrefix(path+"."+name, "."), f.child(name)
		record, isRecord := body[name].(map[string]any)
		switch {
		case body[name] == nil: // as good as left out
		case inner == nil && path == "" && slices.Contains(row.Derived, name):
		case inner == nil:
			faults = append(faults, Fault{at, *f.unknown(name)})
		case inner.kind == "foreign":
		case inner.kind == "record" && isRecord && len(inner.fields) > 0:
			faults = append(faults, inner.judge(at, record, row)...)
		case inner.kind == "record" && isRecord:
		default:
			if _, wrong := inner.fits(body[name]); wrong != nil {
				faults = append(faults, Fault{at, *wrong})
			}
		}
	}
	for i := range f.fields {
		inner := &f.fields[i]
		if inner.required && inner.kind != "record" && inner.kind != "foreign" && inner.fallback == nil && !inner.auto && body[inner.name] == nil {
			faults = append(faults, Fault{strings.TrimPrefix(path+"."+inner.name, "."), Mismatch{"required field missing", "give it a value"}})
		}
		if inner.required && inner.kind == "foreign" && body[inner.name] == nil {
			faults = append(faults, Fault{inner.name, Mismatch{"required field missing", fmt.Sprintf("name the %s that it belongs to", inner.name)}})
		}
	}
	return faults
}

// unfold puts what is given by the name that a field had before to where Kong keeps it.
func (f *Field) unfold(body map[string]any) {
	for name, path := range f.moved {
		value, given := body[name]
		if !given {
			continue
		}
		delete(body, name)
		into := body
		for _, part := range path[:len(path)-1] {
			below, ok := into[part].(map[string]any)
			if !ok {
				below = map[string]any{}
				into[part] = below
			}
			into = below
		}
		if last := path[len(path)-1]; into[last] == nil {
			into[last] = value
		}
	}
	for i := range f.fields {
		if below, ok := body[f.fields[i].name].(map[string]any); ok && f.fields[i].kind == "record" {
			f.fields[i].unfold(below)
		}
	}
}

package deck

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/kong/schema"
	"github.com/lockstep/lockstep/reconcilers/kong/secret"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// rendering is the work on one decK file.
type rendering struct {
	rows      []*entity.Row
	state     plan.State
	catalog   *schema.Catalog // nil while nobody knows it
	variables map[string]bool
	bodies    map[v1.Key]map[string]any // as they will stand in the file
}

// Render writes a state as a decK file: everything nested in what it belongs to, but for
// what belongs to several. Each secret stands there as a variable of decK's own, "DECK_…".
// known says which fields are secret; it may be nil, and then tags and the table alone do.
func Render(rows []*entity.Row, state plan.State, known *schema.Catalog) ([]byte, error) {
	w := &rendering{rows: rows, state: state, catalog: known, variables: map[string]bool{}, bodies: map[v1.Key]map[string]any{}}
	file := map[string]any{"_format_version": "3.0"}
	for _, row := range rows {
		for _, rec := range entity.Records(state, row) {
			if row.Kind == v1.KindMember {
				w.member(rec)
				continue
			}
			body := w.body(rec)
			w.bodies[v1.Key{Kind: row.Kind, Name: rec.Key}] = body
			into := file
			if parent := w.parent(rec); parent != nil {
				into = parent
			} else {
				w.refer(rec, body)
			}
			list, _ := into[row.Section].([]any)
			into[row.Section] = append(list, body)
		}
	}
	text, err := yaml.Marshal(file)
	if err != nil {
		return nil, fmt.Errorf("write a decK file: %w", err)
	}
	return text, nil
}

// member names a group in the consumer that is in it, where decK has it.
func (w *rendering) member(rec *entity.Record) {
	consumer := w.bodies[v1.Key{Kind: v1.KindConsumer, Name: rec.ParentKeys[entity.FieldConsumer]}]
	group := w.bodies[v1.Key{Kind: v1.KindGroup, Name: rec.ParentKeys[entity.FieldGroup]}]
	if consumer == nil || group == nil {
		return // what keeps one of them away is said of it
	}
	groups, _ := consumer["groups"].([]any)
	consumer["groups"] = append(groups, map[string]any{"name": group["name"]})
}

// parent is the body in which an entity stands; nil for the file itself.
func (w *rendering) parent(rec *entity.Record) map[string]any {
	var found []map[string]any
	for field, key := range rec.ParentKeys {
		if field == "client_certificate" || field == "set" { // decK nests in neither
			continue
		}
		found = append(found, w.bodies[v1.Key{Kind: rec.Row.Refs[field], Name: key}])
	}
	if len(found) != 1 {
		return nil
	}
	return found[0]
}

// refer names what an entity belongs to that does not stand in it.
func (w *rendering) refer(rec *entity.Record, body map[string]any) {
	for field, key := range rec.ParentKeys {
		id := entity.Reference(rec.Body, field)
		if parent := w.bodies[v1.Key{Kind: rec.Row.Refs[field], Name: key}]; parent != nil && rec.Row.Kind == v1.KindPlugin {
			for _, name := range []string{"name", "username"} {
				if text, ok := parent[name].(string); ok {
					id = text
				}
			}
		}
		body[field] = id
		if rec.Row.Kind != v1.KindPlugin {
			body[field] = map[string]any{"id": id}
		}
	}
}

// body is an entity without references, with variables for its secrets.
func (w *rendering) body(rec *entity.Record) map[string]any {
	hidden := append(entity.AllTagged(rec.Body, entity.TagHidden), rec.Row.Secrets...)
	v := secret.Veil{Hidden: hidden}
	var top *schema.Field
	if w.catalog != nil {
		if about := w.catalog.Of(rec); about != nil {
			top = about.Top()
		}
	}
	body, _ := w.value(rec, top, "", rec.Body, v).(map[string]any)
	for field := range rec.Row.Refs {
		delete(body, field)
	}
	return body
}

// value returns a value as YAML has it; f is what the schema says of it, if anything.
func (w *rendering) value(rec *entity.Record, f *schema.Field, path string, value any, v secret.Veil) any {
	switch value.(type) {
	case string, bool, json.Number:
		if path != "" && (f.Secret() || v.Covers(path)) {
			return w.variable(rec, path)
		}
	}
	switch value := value.(type) {
	case nil:
		return nil
	case map[string]any:
		out := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(value)) {
			if made := w.value(rec, f.At(name), strings.TrimPrefix(path+"."+name, "."), value[name], v); made != nil {
				out[name] = made
			}
		}
		return out
	case []any:
		out := make([]any, len(value))
		for i := range value {
			out[i] = w.value(rec, f.Element(), path, value[i], v)
		}
		return out
	case json.Number:
		if whole, err := value.Int64(); err == nil {
			return whole
		}
		if number, err := value.Float64(); err == nil {
			return number
		}
		return value.String()
	case string: // decK would put a variable there, which a stranger has named
		return strings.ReplaceAll(value, "${{", `${{ "${{" }}`)
	}
	return value
}

var unfit = regexp.MustCompile(`[^A-Z0-9]+`)

// variable is what stands for a secret: a variable that no other secret has.
func (w *rendering) variable(rec *entity.Record, path string) string {
	base := "DECK_" + strings.Trim(unfit.ReplaceAllString(strings.ToUpper(rec.Title()+"_"+path), "_"), "_")
	name := base
	for n := 2; w.variables[name]; n++ {
		name = fmt.Sprintf("%s_%d", base, n)
	}
	w.variables[name] = true
	return fmt.Sprintf(`${{ env "%s" }}`, name)
}

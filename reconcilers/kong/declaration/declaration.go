package declaration

import (
	"maps"
	"slices"

	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// Render writes objects as Kong's declarative configuration, in JSON, which is YAML as well,
// with the user's own entities beside them; beside may be nil. The same objects give the
// same bytes.
func Render(rows []*entity.Row, state plan.State, beside *Base) (string, error) {
	sections := map[string]any{"_format_version": "3.0"}
	inner := map[string][]any{} // by parent's id: what lives within it
	for _, row := range slices.Backward(rows) {
		var section []any
		for _, rec := range entity.Records(state, row) {
			body := maps.Clone(rec.Written())
			maps.DeleteFunc(body, func(_ string, value any) bool { return value == nil })
			if row.Within != "" {
				parent := ""
				for field, kind := range row.Refs {
					if kind == row.Within {
						parent = entity.Reference(body, field)
						delete(body, field)
					}
				}
				inner[parent+row.Section] = append(inner[parent+row.Section], body)
				continue
			}
			for _, child := range rows {
				if nested := inner[rec.ID+child.Section]; child.Within == row.Kind && len(nested) > 0 {
					body[child.Section] = nested
				}
			}
			section = append(section, body)
		}
		if len(section) > 0 {
			sections[row.Section] = section
		}
	}
	return beside.merged(sections)
}

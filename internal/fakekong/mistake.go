package fakekong

import (
	"maps"

	"github.com/lockstep/lockstep/internal/fakekong/schema"
)

// fields are the mistakes in the shape of the document.
func (d *declaration) fields() map[string]any {
	out := maps.Clone(d.top)
	homes := map[*item]map[string]any{}
	var home func(i *item) map[string]any
	home = func(i *item) map[string]any {
		if homes[i] == nil {
			in := out
			if i.parent != nil {
				in = home(i.parent)
			}
			list, _ := in[i.list].([]any)
			for len(list) <= i.n {
				list = append(list, nil)
			}
			homes[i] = map[string]any{}
			list[i.n], in[i.list] = homes[i], list
		}
		return homes[i]
	}
	for _, i := range d.items {
		if len(i.wrong) > 0 {
			maps.Copy(home(i), i.wrong)
		}
	}
	return out
}

// flat lists the mistakes by entity.
func (d *declaration) flat() []any {
	var out []any
	for _, i := range d.items {
		if len(i.wrong) == 0 || i.loose {
			continue
		}
		entity := maps.Clone(i.raw)
		if i.seeded && i.wrong[schema.Entity] != nil && len(i.wrong) == 1 {
			entity["id"] = i.fields["id"]
		}
		entry := object{"entity": entity, "entity_type": i.kind.singular}
		for from, to := range map[string]string{"id": "entity_id", "name": "entity_name", "tags": "entity_tags"} {
			if v := entity[from]; v != nil {
				entry[to] = v
			}
		}
		var errs []any
		i.wrong.Each(func(field, message string) {
			if field == schema.Entity {
				errs = append(errs, object{"type": "entity", "message": message})
				return
			}
			errs = append(errs, object{"type": "field", "field": field, "message": message})
		})
		entry["errors"] = errs
		out = append(out, entry)
	}
	return out
}

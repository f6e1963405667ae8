package fakekong

import (
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/lockstep/lockstep/internal/fakekong/schema"
)

// declaration is a whole configuration while it is read.
type declaration struct {
	k     *Kong
	items []*item
	byID  map[string]*item // kind and id
	top   map[string]any   // mistakes of the document itself
	bad   map[string]any   // mistakes of entities, in the shape of the document
	store *store           // what results, if nothing is wrong
}

// item is one entity of a configuration.
type item struct {
	kind   *kind
	raw    map[string]any // as it was written, without nested entities
	fields map[string]any // complete
	wrong  schema.Violations
	seeded bool // the id was made from the name; Kong shows it once it got that far
	loose  bool // refers to something missing: counted, but not listed

	parent *item // it was nested there, as number n of the list
	list   string
	n      int
}

// read takes a document in, in the stages of Kong: the schema of each entity, then
// what must be unique, then references. A stage with mistakes is the last.
func (d *declaration) read(doc map[string]any) bool {
	d.top = map[string]any{}
	switch v := doc["_format_version"]; {
	case v == nil:
		d.top["_format_version"] = "required field missing"
	case v != "1.1" && v != "2.1" && v != "3.0":
		d.top["_format_version"] = "expected one of: 1.1, 2.1, 3.0"
	}
	for _, name := range slices.Sorted(maps.Keys(doc)) {
		switch name {
		case "_format_version", "_transform", "_comment", "_ignore":
			continue
		}
		kd := kindOf(name)
		if !d.k.lib.has(kd) {
			d.top[name] = "unknown field"
		}
	}
	for _, kd := range kinds {
		d.collect(kd, kd.name, doc[kd.name], nil, "")
	}
	for _, stage := range []func() bool{func() bool { return len(d.top) == 0 && d.complete() }, d.unique, d.linked} {
		if !stage() {
			return false
		}
	}
	return true
}

// collect reads a list of entities with those nested in them.
func (d *declaration) collect(kd *kind, list string, v any, parent *item, field string) {
	rows, _ := v.([]any)
	if v != nil && rows == nil {
		d.top[list] = "expected an array"
		return
	}
	for n, row := range rows {
		raw, isMap := row.(map[string]any)
		if !isMap {
			d.top[list] = "expected a record"
			continue
		}
		i := &item{kind: kd, raw: maps.Clone(raw), fields: maps.Clone(raw), parent: parent, list: list, n: n}
		d.items = append(d.items, i)
		if parent != nil {
			i.fields[field] = map[string]any{"id": parent.fields["id"]}
		}
		nested := map[string]reference{}
		for _, r := range d.k.lib.references(kd.name) {
			if _, has := raw[r.kind.name]; has && (d.k.lib.entities[kd.name].Field(r.kind.name) == nil || kd.name == "certificates") {
				nested[r.kind.name] = r
				delete(i.raw, r.kind.name)
				delete(i.fields, r.kind.name)
			}
		}
		d.name(i)
		for _, name := range slices.Sorted(maps.Keys(nested)) {
			d.collect(nested[name].kind, name, raw[name], i, nested[name].field)
		}
	}
}

// space is the name space of the ids that Kong makes from names.
var space = uuid.MustParse("fd02801f-0957-4a15-a55a-c8d9606f30b5")

// name gives an entity its id: its own, one made from its name, or a new one.
func (d *declaration) name(i *item) {
	id := text(i.fields["id"])
	if id == "" {
		key := text(i.fields[i.kind.key])
		if len(i.kind.unique) > 0 && i.kind.seeded && d.k.lib.has(i.kind) {
			key = pretty(pick(d.k.lib.together(i.kind)[0], i.fields))
		}
		if key != "" && i.kind.seeded {
			i.seeded = true
			id = uuid.NewSHA1(uuid.NewSHA1(space, []byte(i.kind.name)), []byte(key)).String()
		} else {
			id = d.k.newID()
		}
		i.fields["id"] = id
	}
	if _, taken := d.byID[i.kind.name+" "+id]; !taken {
		d.byID[i.kind.name+" "+id] = i
	}
}

// find looks for what a reference in a configuration means: an id, or a name.
func (d *declaration) find(kind, ref string) *item {
	if i := d.byID[kind+" "+ref]; i != nil {
		return i
	}
	for _, i := range d.items {
		if i.kind.name == kind && i.kind.key != "" && i.fields[i.kind.key] == ref {
			return i
		}
	}
	return nil
}

// complete fills in and judges every entity by its schema.
func (d *declaration) complete() bool {
	fine := true
	for _, i := range d.items {
		for name, to := range d.k.lib.foreign(i.kind) {
			ref := text(i.fields[name])
			if ref == "" {
				ref = refID(i.fields[name])
			}
			if ref == "" {
				continue
			}
			if other := d.find(to, ref); other != nil {
				i.fields[name] = map[string]any{"id": other.fields["id"]}
			} else {
				i.fields[name], i.loose = map[string]any{"id": ref}, true
			}
		}
		fields, bad := d.k.draft(i.kind, i.fields, nil)
		if i.kind.joins && i.raw["id"] != nil {
			bad = schema.Violations{"id": "unknown field"}
		}
		if bad != nil {
			i.wrong, fine = bad, false
			continue
		}
		if i.kind.name == "certificates" {
			delete(fields, "snis")
		}
		i.fields = fields
	}
	return fine
}

// unique stores the entities and marks those whose place is taken.
func (d *declaration) unique() bool {
	d.store = newStore()
	fine := true
	for _, i := range d.items {
		names := d.store.clash(d.k.lib, i.kind, i.fields)
		if names == nil && d.store.get(i.kind, text(i.fields["id"])) != nil {
			names = []string{"id"}
		}
		if key := i.kind.key; d.store.lookup(d.k.lib, i.kind, text(i.fields[key])) != nil && i.seeded && len(i.kind.unique) == 0 {
			names = []string{key}
		}
		if names != nil {
			what := names[0]
			value := text(i.fields[what])
			if what == "id" {
				what = "primary key"
			}
			i.wrong = schema.Violations{}
			i.wrong.Add("uniqueness violation: '" + i.kind.name + "' entity with " + what + " set to '" + value + "' already declared")
			fine = false
			continue
		}
		d.store.put(d.k.lib, i.kind, i.fields)
	}
	return fine
}

// linked marks the entities that refer to something that isn't there.
func (d *declaration) linked() bool {
	fine := true
	for _, i := range d.items {
		if !i.loose {
			continue
		}
		fine = false
		i.wrong = schema.Violations{}
		for name, to := range d.k.lib.foreign(i.kind) {
			if id := refID(i.fields[name]); id != "" && d.find(to, id) == nil {
				i.wrong.Add("invalid reference '" + name + ": " + id + "' (no such entity)")
			}
		}
	}
	return fine
}

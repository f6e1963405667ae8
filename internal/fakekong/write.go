package fakekong

import (
	"maps"
	"slices"

	"github.com/lockstep/lockstep/internal/fakekong/schema"
)

// The writes of single entities. All of them run under the lock of the node.

// insert makes a new entity: POST.
func (k *Kong) insert(kd *kind, body map[string]any) *answer {
	fields, bad := k.draft(kd, body, nil)
	if bad != nil {
		return schemaViolation(bad)
	}
	if a := k.resolve(kd, fields); a != nil {
		return a
	}
	if k.store.get(kd, text(fields["id"])) != nil {
		return primaryKeyViolation(text(fields["id"]))
	}
	a := k.save(kd, fields)
	if a.status == 200 {
		a.status = 201
	}
	return a
}

// upsert makes an entity or replaces the one that is there: PUT by id or key.
func (k *Kong) upsert(kd *kind, key string, body map[string]any) *answer {
	body = maps.Clone(body)
	old := k.store.lookup(k.lib, kd, key)
	var before map[string]any
	switch {
	case old != nil:
		before = old.fields
		body["id"] = old.id()
		if key != old.id() {
			body[kd.key] = key
		}
	case isUUID(key):
		body["id"] = key
	case kd.key == "":
		return notFound()
	default:
		body[kd.key] = key
	}
	if kd.name == "basicauth_credentials" && before != nil { // a password is hashed again, be it the hash
		before = maps.Clone(before)
		delete(before, "password")
	}
	fields, bad := k.draft(kd, body, before)
	if bad != nil {
		return schemaViolation(bad)
	}
	if a := k.resolve(kd, fields); a != nil {
		return a
	}
	return k.save(kd, fields)
}

// update changes an entity: PATCH.
func (k *Kong) update(e *entity, change map[string]any) *answer {
	base := maps.Clone(e.fields)
	if e.kind.name == "certificates" {
		base["snis"] = k.snisOf(e.id())
	}
	change = maps.Clone(change)
	bad := spell(e.kind, change)
	delete(change, "id")
	sch := k.lib.of(e.kind.name, map[string]any{"name": or(text(change["name"]), text(base["name"]))})
	if sch == nil {
		sch = k.lib.entities[e.kind.name] // an unknown plugin, for the draft to refuse
	}
	if bad != nil {
		return schemaViolation(bad)
	}
	fields, bad := k.draft(e.kind, sch.Merge(base, change), e.fields)
	if bad != nil {
		return schemaViolation(bad)
	}
	if a := k.resolve(e.kind, fields); a != nil {
		return a
	}
	return k.save(e.kind, fields)
}

// save stores complete fields, unless another entity holds what must be unique.
func (k *Kong) save(kd *kind, fields map[string]any) *answer {
	if k.store.elsewhere(kd, text(fields["id"])) {
		return primaryKeyViolation(text(fields["id"]))
	}
	if names := k.store.clash(k.lib, kd, fields); names != nil {
		return uniqueViolation(pick(names, fields))
	}
	var snis []any
	named := false // without any, the names stay as they are
	if kd.name == "certificates" {
		snis, named = fields["snis"].([]any)
		delete(fields, "snis")
		for _, name := range snis {
			if other := k.store.lookup(k.lib, kindOf("snis"), text(name)); other != nil && other.ref("certificate") != fields["id"] {
				return schemaViolation(schema.Violations{
					"snis": text(name) + " already associated with existing certificate '" + other.ref("certificate") + "'"})
			}
		}
	}
	e := k.store.put(k.lib, kd, fields)
	if named {
		k.setSNIs(e, snis)
	}
	k.changed(kd)
	return ok(k.view(e))
}

// setSNIs gives a certificate exactly these names.
func (k *Kong) setSNIs(cert *entity, names []any) {
	kd := kindOf("snis")
	for _, name := range k.snisOf(cert.id()) {
		if !slices.Contains(names, name) {
			k.store.remove(k.lib, k.store.lookup(k.lib, kd, text(name)))
		}
	}
	for _, name := range names {
		if k.store.lookup(k.lib, kd, text(name)) != nil {
			continue
		}
		fields, bad := k.draft(kd, map[string]any{"name": name, "certificate": map[string]any{"id": cert.id()}}, nil)
		if bad == nil {
			k.store.put(k.lib, kd, fields)
		}
	}
}

// snisOf lists the names of a certificate, sorted.
func (k *Kong) snisOf(id string) []any {
	names := []any{}
	for _, e := range k.store.rows["snis"] {
		if e.ref("certificate") == id {
			names = append(names, e.fields["name"])
		}
	}
	slices.SortFunc(names, func(a, b any) int { return compare(text(a), text(b)) })
	return names
}

// resolve turns references into ids and refuses those that lead nowhere.
func (k *Kong) resolve(kd *kind, fields map[string]any) *answer {
	refs := k.lib.foreign(kd)
	for _, name := range slices.Sorted(maps.Keys(refs)) {
		ref, isRef := fields[name].(map[string]any)
		if !isRef {
			continue
		}
		target := kindOf(refs[name])
		if target == nil {
			continue
		}
		var e *entity
		if id, byID := ref["id"]; byID {
			e = k.store.get(target, text(id))
		} else if key, byKey := ref[target.key]; byKey {
			e = k.store.lookup(k.lib, target, text(key))
		}
		if e == nil {
			return danglingReference(name, target.name, ref)
		}
		fields[name] = map[string]any{"id": e.id()}
	}
	return nil
}

// erase deletes an entity with all that goes along, or nothing.
func (k *Kong) erase(e *entity) *answer {
	if by := k.trusting(e); by != nil {
		return usedByOthers(e.id(), by)
	}
	refs := k.lib.references(e.kind.name)
	for _, r := range refs {
		if !r.cascade && len(k.store.below(r.kind, &parent{e, r.field})) > 0 {
			return stillReferenced(e, r.kind)
		}
	}
	for _, r := range refs {
		for _, child := range k.store.below(r.kind, &parent{e, r.field}) {
			if a := k.erase(child); a != nil {
				return a
			}
		}
	}
	k.store.remove(k.lib, e)
	k.changed(e.kind)
	return nil
}

// trusting returns a service that names a CA certificate; nil for none. Kong's database
// knows nothing of these references, so Kong looks by itself.
func (k *Kong) trusting(e *entity) *entity {
	if e.kind.name != "ca_certificates" {
		return nil
	}
	defer k.store.look(everywhere)()
	for _, service := range k.store.list(kindOf("services")) {
		if list, _ := service.fields["ca_certificates"].([]any); slices.Contains(list, any(e.id())) {
			return service
		}
	}
	return nil
}

// view is an entity as the Admin API shows it.
func (k *Kong) view(e *entity) map[string]any {
	out := k.lib.of(e.kind.name, e.fields).Show(e.fields)
	if e.kind.name == "certificates" {
		out["snis"] = k.snisOf(e.id())
	}
	return out
}

package entity

import (
	v1 "github.com/lockstep/lockstep/api/v1"
)

// NoteAdopted notes in Adopted which of some entities were a stranger's before. Of two that
// say so in the same place, the one with the lesser id is meant, whichever is listed first.
func (n Namer) NoteAdopted(row *Row, bodies []map[string]any) {
	for _, body := range bodies {
		if !n.WasAdopted(body) {
			continue
		}
		key := v1.Key{Kind: row.Kind, Name: keyOf(row, body)}
		id, _ := body["id"].(string)
		if known := n.Adopted[key]; known == "" || id < known {
			n.Adopted[key] = id
		}
	}
}

// keyOf is the key that an entity of ours says that it has.
func keyOf(row *Row, body map[string]any) string {
	service := Tagged(body, TagService)
	name, _ := body[row.Unique].(string)
	declared := unquoted(Tagged(body, TagName))
	switch {
	case declared != "":
		return declared
	case row.Kind == v1.KindRoute:
		return Tagged(body, TagRoute)
	case row.Kind == v1.KindTarget:
		return service + "/" + Address(name)
	case row.Kind == v1.KindPlugin:
		if route := Tagged(body, TagRoute); route != "" {
			return PluginKey(v1.KindRoute, route, name)
		}
		return PluginKey(v1.KindService, service, name)
	case service == "":
		return Reserved
	}
	return service
}

// Read makes a record of what Kong says of an entity of ours, which must not be used any
// more, with the key under which it is desired. An entity that bears our mark but not the
// id of its key (a copy, or one that was changed by hand) gets "@" and its id as a key, and
// so is nobody's. keys are the keys of possible parents by id; what refers to another has
// that one's id for a key.
func (n Namer) Read(row *Row, body map[string]any, keys map[string]string) *Record {
	rec := &Record{Row: row, Body: body}
	rec.ID, _ = body["id"].(string)
	rec.Service = Tagged(body, TagService)
	rec.Key = keyOf(row, body)
	if rec.Declared = Tagged(body, TagName) != ""; rec.Declared && rec.Service == "" {
		rec.Service = DeclaredGroup
	}
	for _, field := range append([]string{"created_at", "updated_at"}, row.Derived...) {
		delete(body, field)
	}
	rec.takeToken()
	rec.ParentKeys = make(map[string]string, len(row.Refs))
	for field := range row.Refs {
		id := Reference(body, field)
		key, known := keys[id]
		if !known {
			key = id
		}
		if id == "" {
			continue
		}
		rec.ParentKeys[field] = key
	}
	if (row.Kind == v1.KindUpstream || row.Kind == v1.KindService) && rec.ID == n.ID(row.Kind, Reserved) {
		rec.Key = Reserved
	}
	if rec.ID != n.ID(row.Kind, rec.Key) {
		rec.Key = "@" + rec.ID
	}
	return rec
}

package entity

import (
	"maps"
	"slices"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// Record is one entity in the form in which Kong takes it. Whoever compiles makes them of
// what is desired, Namer.Read of what Kong says; a plan has them as Native of its objects.
// Several states may share one, so it is changed no more once it is in any.
type Record struct {
	Row     *Row
	Key     string         // of its object, see Namer
	ID      string         // Kong's
	Body    map[string]any // plain JSON values, with the id and without times
	Service string         // the service or group that it comes and goes with; "" for none
	// ParentKeys are the keys of what it refers to, by the fields of Row.Refs.
	ParentKeys map[string]string
	// Needs are, of a route, the plugins without which it would be more open than asked.
	Needs   []v1.Key
	Secrets []string // values that are shown nowhere, in all spellings

	// Origins tell, of a plugin that labels ask for, where each field was asked for, by
	// its path: "config.minute".
	Origins map[string]v1.Origin
	// Declared says that it is declared in Kong's own words, and Manifest where its fields
	// stand; nil of what Kong holds.
	Declared bool
	Manifest *v1.Entity

	token string // of the proof: that of what Kong held when it was written
}

// Path returns the address below the Admin API's root at which entities of its kind are made;
// its own is that and "/" and its id.
func (r *Record) Path(rows []*Row) string { return r.Row.PathOf(rows, r.Body) }

// Payload is the body of a write. The path says already within what an entity lives; a PATCH
// carries what may change and nothing else. The caller must not change it.
func (r *Record) Payload(patch bool) map[string]any {
	if r.Row.Within == "" {
		return r.Written()
	}
	out := maps.Clone(r.Body)
	maps.DeleteFunc(out, func(field string, _ any) bool {
		return r.Row.Refs[field] == r.Row.Within || patch && !slices.Contains(r.Row.Fields, field)
	})
	return out
}

// Name is what Kong calls the entity; "" where that is a secret, or nothing.
func (r *Record) Name() string {
	text, _ := r.Body[r.Row.Unique].(string)
	return text
}

// Parents implements reconcilers.Kin: the objects that must exist before this one. A service
// can do without its upstream in Kong's eyes, but would look its name up in the DNS.
func (r *Record) Parents() []v1.Key {
	var keys []v1.Key
	for field, key := range r.ParentKeys {
		keys = append(keys, v1.Key{Kind: r.Row.Refs[field], Name: key})
	}
	if r.ownUpstream() { // else it is reached through HAProxy
		keys = append(keys, v1.Key{Kind: v1.KindUpstream, Name: r.Key})
	}
	return keys
}

// ownUpstream reports whether the record is a service that leads to the upstream
// of its own name.
func (r *Record) ownUpstream() bool {
	return r.Row.Kind == v1.KindService && !r.Declared && r.Body["host"] == r.Body["name"]
}

// Reference returns the id that a field of an entity refers to; "" for none.
func Reference(body map[string]any, field string) string {
	ref, _ := body[field].(map[string]any)
	id, _ := ref["id"].(string)
	return id
}

// Held is the route turned to the reserved service, which answers 503.
func (r *Record) Held(n Namer) *Record {
	turned := *r
	turned.Body, turned.ParentKeys = maps.Clone(r.Body), maps.Clone(r.ParentKeys)
	turned.Body["service"] = map[string]any{"id": n.ID(v1.KindService, Reserved)}
	turned.ParentKeys["service"] = Reserved
	turned.Needs = nil // it answers 503 to all
	return &turned
}

// Identity implements reconcilers.Kin.
func (r *Record) Identity() string { return r.ID }

// Vital implements reconcilers.Kin: no route is ever without a plugin that it was asked
// for, nodes are alike, and the proof tells of what Kong holds. What a plugin is told to do is not vital.
func (r *Record) Vital(fields []string) bool {
	if r.Service == ProofKey {
		return true
	}
	vital := []string{"nodes"}
	switch r.Row.Kind {
	case v1.KindPlugin:
		if fields == nil {
			return true
		}
		vital = append(vital, "name", "enabled", "protocols", "route", "service", "consumer", "consumer_group")
	case v1.KindRoute:
		vital = append(vital, "service")
	}
	return slices.ContainsFunc(fields, func(field string) bool { return slices.Contains(vital, field) })
}

// Protects reports whether a plugin is for a route: on it, or on its service.
func (r *Record) Protects(route *Record) bool {
	of := r.ParentKeys["route"]
	if r.Declared {
		service := r.ParentKeys["service"]
		return route.Row.Kind == v1.KindRoute && r.ParentKeys["consumer"] == "" && r.ParentKeys["consumer_group"] == "" &&
			(of != "" && of == route.Key || of == "" && service != "" && service == route.ParentKeys["service"])
	}
	return route.Row.Kind == v1.KindRoute && route.Service == r.Service && (of == "" || of == route.Key)
}

// Beside gives a record that was read of an answer the group of the one that was written, and
// returns it.
func (r *Record) Beside(written *Record) *Record {
	if r.Declared {
		r.Service = written.Service
	}
	return r
}

package kong

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/jsonvalue"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// record is one entity in the form in which Kong takes it.
type record struct {
	row     *row
	key     string
	service string // "" for what belongs to none
	id      string
	parents map[string]string    // the fields of row.refs: keys of the parents
	body    map[string]any       // JSON, with the id and without times
	needs   []v1.Key             // of a route: the plugins without which it would be more open than asked
	secrets []string             // values that are shown nowhere
	origins map[string]v1.Origin // of a plugin: where each field of its configuration was asked for
	token   string               // of the proof: that of what Kong held when it was written

	declared bool       // in Kong's own words
	places   *v1.Entity // where its fields stand, of one that is declared so
}

// path returns the entity's address below the Admin API's root; without the
// id, where entities of its kind are created.
func (r *record) path(rows []*row) string { return r.row.pathOf(rows, r.body) }

func (r *row) pathOf(rows []*row, body map[string]any) string {
	parent := cmp.Or(r.within, r.below)
	if parent == "" {
		return "/" + r.path
	}
	for field, kind := range r.refs {
		if id := reference(body, field); kind == parent && id != "" {
			return "/" + rowOf(rows, kind).path + "/" + id + "/" + r.last()
		}
	}
	return "/" + r.path
}

// payload is the body of a write. The path says already within what an entity
// lives; a PATCH carries what may change and nothing else.
func (r *record) payload(patch bool) map[string]any {
	if r.row.within == "" {
		return r.withToken()
	}
	out := maps.Clone(r.body)
	maps.DeleteFunc(out, func(field string, _ any) bool {
		return r.row.refs[field] == r.row.within || patch && !slices.Contains(r.row.fields, field)
	})
	return out
}

// name is what Kong calls the entity; "" where that is a secret, or nothing.
func (r *record) name() string {
	text, _ := r.body[r.row.unique].(string)
	return text
}

// parentKeys are the objects that must exist before this one. A service can
// do without its upstream in Kong's eyes, but would look its name up in the DNS.
func (r *record) parentKeys() []v1.Key {
	var keys []v1.Key
	for field, key := range r.parents {
		keys = append(keys, v1.Key{Kind: r.row.refs[field], Name: key})
	}
	if r.ownUpstream() { // else it is reached through HAProxy
		keys = append(keys, v1.Key{Kind: kindUpstream, Name: r.key})
	}
	return keys
}

// ownUpstream reports whether the record is a service that leads to the upstream
// of its own name.
func (r *record) ownUpstream() bool {
	return r.row.kind == kindService && !r.declared && r.body["host"] == r.body["name"]
}

// reference returns the id that a field refers to.
func reference(body map[string]any, field string) string {
	ref, _ := body[field].(map[string]any)
	id, _ := ref["id"].(string)
	return id
}

// object is the record as the plan sees it. others are the fields that are
// compared although the row does not name them.
func (r *record) object(others map[string]any) *plan.Object {
	o := &plan.Object{
		Key: v1.Key{Kind: r.row.kind, Name: r.key}, Service: r.service, Level: r.row.level,
		Fields: make(map[string]string, len(r.row.fields)+1), Native: r,
	}
	for _, field := range r.row.fields {
		if text := canonical(r.row, field, r.body[field]); text != "" {
			o.Fields[field] = text
		}
	}
	for field, value := range others {
		o.Fields[field] = canonical(r.row, field, value)
	}
	maps.Copy(o.Fields, r.parents)
	if r.ownUpstream() {
		o.Fields["host"] = "its upstream"
	}
	switch r.row.kind {
	case kindRoute:
		o.Owner = plan.OwnerOf(v1.KindRoute, r.key)
		o.Match = r.match()
	case kindTarget:
		o.Owner = v1.Key{Kind: v1.KindInstance, Name: o.Fields["target"]}
	case kindPlugin: // its removal is none of a route: the guard must not count it
		o.Owner = v1.Key{Kind: kindPlugin, Name: r.key}
		if r.parents["route"] == "" {
			o.Level = levelOfPlugins
		}
	default:
		o.Owner = plan.OwnerOf(v1.KindService, r.service)
	}
	if r.service == proofKey {
		o.Fields[fieldGeneration], o.Opaque = "current", []string{"headers"}
	}
	o.Noun = r.noun(o.Fields)
	if r.key == reserved && r.row.kind == kindUpstream {
		o.Level = 0 // before everything else: it says who writes
	}
	if strings.HasPrefix(r.key, "@") { // nobody asked for it: the guard must not hold it
		o.Owner = v1.Key{Kind: v1.KindInstance, Name: r.key}
	}
	return o
}

// match is what a route claims, as text.
func (r *record) match() string {
	var parts []string
	for _, field := range []string{"hosts", "paths", "methods", "headers", "snis", "destinations"} {
		if text := canonical(r.row, field, r.body[field]); text != "" {
			parts = append(parts, field+"="+text)
		}
	}
	return strings.Join(parts, " ")
}

func (r *record) noun(fields map[string]string) string {
	switch {
	case r.key == reserved && r.row.kind == kindUpstream:
		return "upstream " + r.name() + ", the writer's mark"
	case r.key == reserved:
		return "service " + r.name() + ", which answers 503"
	case r.service == proofKey && r.row.kind == kindPlugin:
		return "plugin " + r.name() + ", by which Kong's workers prove what they serve"
	case r.key == proofKey:
		return "route " + r.name() + ", at which Kong's workers prove what they serve"
	case strings.HasPrefix(r.key, "@"):
		return fmt.Sprintf("%s %s with the id %s", r.row.kind, r.name(), r.id)
	case r.row.kind == kindPlugin:
		for _, field := range []string{"route", "service"} {
			if parent := r.parents[field]; parent != "" {
				return fmt.Sprintf("plugin %s of %s %s", r.name(), field, parent)
			}
		}
		return "plugin " + r.name()
	case r.row.kind == kindTarget:
		return fmt.Sprintf("target %s of %s", fields["target"], r.service)
	case r.row.kind == kindRoute:
		var on []string
		for _, field := range []string{"hosts", "paths"} {
			values, _ := r.body[field].([]any)
			for _, value := range values {
				on = append(on, fmt.Sprint(value))
			}
		}
		if len(on) > 0 {
			return fmt.Sprintf("route %s (%s)", r.key, strings.Join(on, " "))
		}
	}
	return fmt.Sprintf("%s %s", r.row.kind, r.key)
}

// held is the route turned to the reserved service, which answers 503.
func (r *record) held(n namer) *record {
	turned := *r
	turned.body, turned.parents = maps.Clone(r.body), maps.Clone(r.parents)
	turned.body["service"] = map[string]any{"id": n.id(kindService, reserved)}
	turned.parents["service"] = reserved
	turned.needs = nil // it answers 503 to all
	return &turned
}

// canonical is the text of a value that is equal for equal meanings: as jsonText has it,
// and addresses have one spelling, and names of headers no case.
func canonical(r *row, field string, value any) string {
	switch v := value.(type) {
	case string:
		if r.kind == kindTarget && field == r.unique {
			return address(v)
		}
	case map[string]any:
		if headers, ok := jsonvalue.Normal(v).(map[string]any); ok && r.kind == kindRoute && field == "headers" {
			value = lower(headers)
		}
	}
	return jsonvalue.Text(value)
}

func lower(m map[string]any) map[string]any {
	out := make(map[string]any, len(m))
	for name, value := range m {
		out[strings.ToLower(name)] = value
	}
	return out
}

// address returns a target in one spelling: Kong writes IPv6 out in full.
func address(target string) string {
	if ap, err := netip.ParseAddrPort(target); err == nil {
		return ap.String()
	}
	return target
}

package entity

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// Object is the record as the plan sees it. others are the fields that are compared although
// the row does not name them, beyond Kong's defaults.
func (r *Record) Object(others map[string]any) *plan.Object {
	o := &plan.Object{
		Key: v1.Key{Kind: r.Row.Kind, Name: r.Key}, Service: r.Service, Level: r.Row.level,
		Fields: make(map[string]string, len(r.Row.Fields)+1), Native: r,
	}
	for _, field := range r.Row.Fields {
		if text := Canonical(r.Row, field, r.Body[field]); text != "" {
			o.Fields[field] = text
		}
	}
	for field, value := range others {
		o.Fields[field] = Canonical(r.Row, field, value)
	}
	maps.Copy(o.Fields, r.ParentKeys)
	if r.ownUpstream() {
		o.Fields["host"] = "its upstream"
	}
	switch r.Row.Kind {
	case v1.KindRoute:
		o.Owner = plan.OwnerOf(v1.KindRoute, r.Key)
		o.Match = r.match()
	case v1.KindTarget:
		o.Owner = v1.Key{Kind: v1.KindInstance, Name: o.Fields["target"]}
	case v1.KindPlugin: // its removal is none of a route: the guard must not count it
		o.Owner = v1.Key{Kind: v1.KindPlugin, Name: r.Key}
		if r.ParentKeys["route"] == "" {
			o.Level = levelOfPlugins
		}
	default:
		o.Owner = plan.OwnerOf(v1.KindService, r.Service)
	}
	if r.Service == ProofKey {
		o.Fields[FieldGeneration], o.Opaque = "current", []string{"headers"}
	}
	o.Noun = r.noun(o.Fields)
	if r.Key == Reserved && r.Row.Kind == v1.KindUpstream {
		o.Level = 0 // before everything else: it says who writes
	}
	if strings.HasPrefix(r.Key, "@") { // nobody asked for it: the guard must not hold it
		o.Owner = v1.Key{Kind: v1.KindInstance, Name: r.Key}
	}
	return o
}

// DeclaredAs is the same of what is declared in Kong's own words. fields are all that is
// compared of it.
func (r *Record) DeclaredAs(fields map[string]any) *plan.Object {
	o := &plan.Object{
		Key: v1.Key{Kind: r.Row.Kind, Name: r.Key}, Service: r.Service, Level: r.Row.level, Native: r,
		Owner:  v1.Key{Kind: v1.KindEntity, Name: string(r.Row.Kind) + "/" + r.Title()},
		Noun:   r.Row.Word() + " " + r.Title(),
		Fields: make(map[string]string, len(fields)+len(r.ParentKeys)),
	}
	switch r.Row.Kind { // the guard holds what would take much away at once
	case v1.KindService:
		o.Owner.Kind = v1.KindService
		o.Owner.Name = r.Service
	case v1.KindRoute:
		o.Owner = v1.Key{Kind: v1.KindRoute, Name: r.Key}
		o.Match = r.match()
	}
	if r.Row.Kind == v1.KindPlugin {
		o.Fields["enabled"] = Canonical(r.Row, "enabled", cmp.Or[any](r.Body["enabled"], true))
		if r.ParentKeys["route"] == "" {
			o.Level = levelOfPlugins
		}
	}
	for name, value := range fields {
		if text := Canonical(r.Row, name, value); text != "" {
			o.Fields[name] = text
		}
	}
	maps.Copy(o.Fields, r.ParentKeys)
	return o
}

// match is what a route claims, as text.
func (r *Record) match() string {
	var parts []string
	for _, field := range []string{"hosts", "paths", "methods", "headers", "snis", "destinations"} {
		if text := Canonical(r.Row, field, r.Body[field]); text != "" {
			parts = append(parts, field+"="+text)
		}
	}
	return strings.Join(parts, " ")
}

func (r *Record) noun(fields map[string]string) string {
	switch {
	case r.Key == Reserved && r.Row.Kind == v1.KindUpstream:
		return "upstream " + r.Name() + ", the writer's mark"
	case r.Key == Reserved:
		return "service " + r.Name() + ", which answers 503"
	case r.Service == ProofKey && r.Row.Kind == v1.KindPlugin:
		return "plugin " + r.Name() + ", by which Kong's workers prove what they serve"
	case r.Key == ProofKey:
		return "route " + r.Name() + ", at which Kong's workers prove what they serve"
	case strings.HasPrefix(r.Key, "@"):
		return fmt.Sprintf("%s %s with the id %s", r.Row.Kind, r.Name(), r.ID)
	case r.Row.Kind == v1.KindPlugin:
		for _, field := range []string{"route", "service"} {
			if parent := r.ParentKeys[field]; parent != "" {
				return fmt.Sprintf("plugin %s of %s %s", r.Name(), field, parent)
			}
		}
		return "plugin " + r.Name()
	case r.Row.Kind == v1.KindTarget:
		return fmt.Sprintf("target %s of %s", fields["target"], r.Service)
	case r.Row.Kind == v1.KindRoute:
		var on []string
		for _, field := range []string{"hosts", "paths"} {
			values, _ := r.Body[field].([]any)
			for _, value := range values {
				on = append(on, fmt.Sprint(value))
			}
		}
		if len(on) > 0 {
			return fmt.Sprintf("route %s (%s)", r.Key, strings.Join(on, " "))
		}
	}
	return fmt.Sprintf("%s %s", r.Row.Kind, r.Key)
}

// Title is what the entity is called where somebody reads it: one line, and no secret.
func (r *Record) Title() string {
	name := strings.TrimPrefix(r.Key, OwnWords)
	if id, own := strings.CutPrefix(r.Key, "@"); own {
		if name = unquoted(Tagged(r.Body, TagName)); name == "" {
			name = r.Name()
		}
		name = strings.TrimSuffix(name, "/") + " with the id " + id
	}
	return v1.OneLine(name)
}

// Names are those by which people may call an entity, as "KIND/NAME"; the first is the one
// that is shown.
func (r *Record) Names() []string {
	names := []string{r.Title(), r.Key, r.ID}
	if strings.HasPrefix(r.Key, "@") && r.Key != Reserved {
		names = []string{r.ID, r.Key, r.Title()}
	}
	for i := range names {
		names[i] = string(r.Row.Kind) + "/" + names[i]
	}
	return slices.Compact(names)
}

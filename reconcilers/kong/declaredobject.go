package kong

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/secret"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// declaredObject is the object of what is declared in Kong's own words, from what
// was declared as from what Kong holds: every field that is not Kong's default.
func (f *facts) declaredObject(rec *record, key secret.Seal) *plan.Object {
	about := f.of(rec)
	v := secret.Veil{Seal: key, ID: rec.id, Hidden: append(allTagged(rec.body, tagHidden), rec.row.secrets...)}
	fields := map[string]any{}
	given := allTagged(rec.body, tagGiven)
	for i := range about.fields {
		field := &about.fields[i]
		_, ref := rec.row.refs[field.name]
		switch {
		case ref, slices.Contains(rec.row.hashed, field.name), slices.Contains(rec.row.derived, field.name):
		case field.auto && !slices.Contains(given, field.name):
		case field.name == "tags":
			fields["tags"] = withoutTag(rec.body["tags"], tagSecret)
		case rec.row.kind == kindPlugin && field.name == "config":
			f.configured(rec, fields, v)
		default:
			known := *field
			known.auto = false // it was given, so it can be compared
			known.leaves(field.name, rec.body[field.name], v, fields)
		}
	}
	if mark := tagged(rec.body, tagSecret); mark != "" {
		fields["secret"] = "(secret " + mark + ")"
	}
	o := &plan.Object{
		Key: v1.Key{Kind: rec.row.kind, Name: rec.key}, Service: rec.service, Level: rec.row.level, Native: rec,
		Owner:  v1.Key{Kind: v1.KindEntity, Name: string(rec.row.kind) + "/" + rec.title()},
		Noun:   rec.row.word() + " " + rec.title(),
		Fields: make(map[string]string, len(fields)+len(rec.parents)),
	}
	switch rec.row.kind { // the guard holds what would take much away at once
	case kindService:
		o.Owner.Kind = v1.KindService
		o.Owner.Name = rec.service
	case kindRoute:
		o.Owner = v1.Key{Kind: v1.KindRoute, Name: rec.key}
		o.Match = rec.match()
	}
	if rec.row.kind == kindPlugin {
		o.Fields["enabled"] = canonical(rec.row, "enabled", cmp.Or[any](rec.body["enabled"], true))
		if rec.parents["route"] == "" {
			o.Level = levelOfPlugins
		}
	}
	for name, value := range fields {
		if text := canonical(rec.row, name, value); text != "" {
			o.Fields[name] = text
		}
	}
	maps.Copy(o.Fields, rec.parents)
	return o
}

// title is what the entity is called where somebody reads it.
func (r *record) title() string {
	name := strings.TrimPrefix(r.key, ownWords)
	if id, own := strings.CutPrefix(r.key, "@"); own {
		if name = unquoted(tagged(r.body, tagName)); name == "" {
			name = r.name()
		}
		name = strings.TrimSuffix(name, "/") + " with the id " + id
	}
	return v1.OneLine(name)
}

// withoutTag returns tags less the one with a prefix.
func withoutTag(tags any, prefix string) any {
	list, _ := tags.([]any)
	return slices.DeleteFunc(slices.Clone(list), func(tag any) bool { return strings.HasPrefix(fmt.Sprint(tag), prefix) })
}

// whole returns the one of two equal objects that knows what Kong gives back as
// something else: a push without a database must say all of it again.
func whole(known, read *plan.Object) *plan.Object {
	rec, ok := read.Native.(*record)
	if !ok || len(rec.row.hashed) == 0 || known == nil || len(known.Differs(read)) > 0 {
		return read
	}
	return known
}

// timed reports whether a field is an id or a time, which nobody declares.
func (f *field) timed() bool { return f.name == "id" || strings.HasSuffix(f.name, "_at") }

// sealed is a digest of the values that Kong does not give back as they were, or
// makes up where none is given: as a tag, it tells when another is asked for.
func (s *schema) sealed(rec *record, v secret.Veil) string {
	config, _ := rec.body["config"].(map[string]any)
	mark := s.own(config, v)
	for _, name := range rec.row.hashed {
		if value := rec.body[name]; value != nil {
			mark = v.Seal.Digest(v.ID, mark+"\x00"+name+"="+fmt.Sprint(value))
		}
	}
	return mark
}

// secretTexts are the values that the row or the schema marks as secret.
func (s *schema) secretTexts(rec *record) []string {
	var found []string
	for i := range s.fields {
		found = s.fields[i].secretsIn(found, rec.body[s.fields[i].name])
	}
	for _, path := range append(allTagged(rec.body, tagHidden), rec.row.secrets...) {
		var value any = rec.body
		for name := range strings.SplitSeq(path, ".") {
			inner, _ := value.(map[string]any)
			value = inner[name]
		}
		found = (&field{secret: true}).secretsIn(found, value)
	}
	var out []string
	for _, text := range found {
		if text != "" {
			out = append(out, secret.Spellings(text)...)
		}
	}
	return out
}

package kong

import (
	"fmt"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/kong/secret"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// declaredObject is the object of what is declared in Kong's own words, from what
// was declared as from what Kong holds: every field that is not Kong's default.
func (f *facts) declaredObject(rec *entity.Record, key secret.Seal) *plan.Object {
	about := f.of(rec)
	v := secret.Veil{Seal: key, ID: rec.ID, Hidden: append(entity.AllTagged(rec.Body, entity.TagHidden), rec.Row.Secrets...)}
	fields := map[string]any{}
	given := entity.AllTagged(rec.Body, entity.TagGiven)
	for i := range about.fields {
		field := &about.fields[i]
		_, ref := rec.Row.Refs[field.name]
		switch {
		case ref, slices.Contains(rec.Row.Hashed, field.name), slices.Contains(rec.Row.Derived, field.name):
		case field.auto && !slices.Contains(given, field.name):
		case field.name == "tags":
			fields["tags"] = entity.WithoutTag(rec.Body["tags"], entity.TagSecret)
		case rec.Row.Kind == v1.KindPlugin && field.name == "config":
			f.configured(rec, fields, v)
		default:
			known := *field
			known.auto = false // it was given, so it can be compared
			known.leaves(field.name, rec.Body[field.name], v, fields)
		}
	}
	if mark := entity.Tagged(rec.Body, entity.TagSecret); mark != "" {
		fields["secret"] = "(secret " + mark + ")"
	}
	return rec.DeclaredAs(fields)
}

// whole returns the one of two equal objects that knows what Kong gives back as
// something else: a push without a database must say all of it again.
func whole(known, read *plan.Object) *plan.Object {
	rec, ok := read.Native.(*entity.Record)
	if !ok || len(rec.Row.Hashed) == 0 || known == nil || len(known.Differs(read)) > 0 {
		return read
	}
	return known
}

// timed reports whether a field is an id or a time, which nobody declares.
func (f *field) timed() bool { return f.name == "id" || strings.HasSuffix(f.name, "_at") }

// sealed is a digest of the values that Kong does not give back as they were, or
// makes up where none is given: as a tag, it tells when another is asked for.
func (s *schema) sealed(rec *entity.Record, v secret.Veil) string {
	config, _ := rec.Body["config"].(map[string]any)
	mark := s.own(config, v)
	for _, name := range rec.Row.Hashed {
		if value := rec.Body[name]; value != nil {
			mark = v.Seal.Digest(v.ID, mark+"\x00"+name+"="+fmt.Sprint(value))
		}
	}
	return mark
}

// secretTexts are the values that the row or the schema marks as secret.
func (s *schema) secretTexts(rec *entity.Record) []string {
	var found []string
	for i := range s.fields {
		found = s.fields[i].secretsIn(found, rec.Body[s.fields[i].name])
	}
	for _, path := range append(entity.AllTagged(rec.Body, entity.TagHidden), rec.Row.Secrets...) {
		var value any = rec.Body
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

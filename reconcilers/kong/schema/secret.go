package schema

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/kong/secret"
)

// Own is a digest of the values given for fields of a plugin's configuration that Kong makes
// up otherwise: as a tag, it tells when another is asked for. "" when none is given.
func (s *Schema) Own(config map[string]any, v secret.Veil) string {
	var parts []string
	for _, f := range s.config().fields {
		if value := config[f.name]; value != nil && f.madeUp() {
			parts = append(parts, f.name+"="+fmt.Sprint(value))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return v.Seal.Digest(v.ID, strings.Join(parts, "\x00"))
}

// Sealed is a digest of the values that Kong does not give back as they were, or makes up
// where none is given: as a tag, it tells when another is asked for. "" for none.
func (s *Schema) Sealed(rec *entity.Record, v secret.Veil) string {
	config, _ := rec.Body["config"].(map[string]any)
	mark := s.Own(config, v)
	for _, name := range rec.Row.Hashed {
		if value := rec.Body[name]; value != nil {
			mark = v.Seal.Digest(v.ID, mark+"\x00"+name+"="+fmt.Sprint(value))
		}
	}
	return mark
}

// Secrets are the values of an entity that its row, its tags or the schema mark as secret, in
// all spellings.
func (s *Schema) Secrets(rec *entity.Record) []string {
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
		found = (&Field{secret: true}).secretsIn(found, value)
	}
	var out []string
	for _, text := range found {
		if text != "" {
			out = append(out, secret.Spellings(text)...)
		}
	}
	return out
}

// secretsIn adds the texts of a value that the schema marks as secret.
func (f *Field) secretsIn(found []string, value any) []string {
	switch v := value.(type) {
	case nil:
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			inner := f.inner(f.values)
			for i := range f.fields {
				if f.fields[i].name == name {
					inner = &f.fields[i]
				}
			}
			found = inner.secretsIn(found, v[name])
		}
	case []any:
		for _, element := range v {
			found = f.inner(f.elements).secretsIn(found, element)
		}
	default:
		if text := fmt.Sprint(v); f.secret && text != "" {
			found = append(found, text)
		}
	}
	return found
}

package manifests

import (
	"slices"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// revealedEntity is what came of an entity.
type revealedEntity struct {
	followed
	entity v1.Entity
}

// entityList looks up what entities refer to. Where that leads nowhere, what an
// entity was before stays; at first there is nothing, and then it is withheld, which
// lets Kong keep what it holds of it.
func (r *revealer) entityList(list []*v1.Entity) (out []v1.Entity) {
	var before map[v1.Key]v1.Entity
	now := make(map[*v1.Entity]revealedEntity, len(list))
	for _, e := range list {
		made, known := r.entities[e]
		if !known || r.again && (made.files != nil || made.problem != nil) {
			made = revealEntity(e)
		}
		if made.problem != nil && (!known || r.again) {
			if before == nil {
				before = byKey(r.shared.Entities)
			}
			if last, has := before[e.Key()]; has {
				made.entity = last
			}
		}
		now[e] = made
		out = append(out, made.entity)
	}
	r.entities = now
	return out
}

func byKey(list []v1.Entity) map[v1.Key]v1.Entity {
	out := make(map[v1.Key]v1.Entity, len(list))
	for i := range list {
		out[list[i].Key()] = list[i]
	}
	return out
}

// revealEntity looks up what one entity refers to.
func revealEntity(e *v1.Entity) revealedEntity {
	look := &lookup{entity: e}
	body, _ := look.value("", e.Body).(map[string]any)
	made := revealedEntity{entity: *e, followed: followed{look.files, look.problem}}
	if made.entity.Body = body; look.problem != nil {
		made.entity.Body, made.entity.Withheld = nil, look.problem
	}
	return made
}

// lookup is the work on one entity.
type lookup struct {
	entity  *v1.Entity
	files   []string
	problem *v1.Problem
}

// value returns a value with what it refers to as a secret in its place.
func (l *lookup) value(path string, value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, element := range v {
			inner := name
			if path != "" {
				inner = path + "." + name
			}
			out[name] = l.value(inner, element)
		}
		return out
	case []any:
		out := slices.Clone(v)
		for i := range out {
			out[i] = l.value(path, out[i])
		}
		return out
	case Value:
		if v.file != "" {
			l.files = append(l.files, v.file)
		}
		secret, err := v.reveal()
		l.note(path, err)
		return v1.NewSecret(trailingNewline.ReplaceAllString(secret.Reveal(), ""))
	case template:
		revealed, err := v.reveal()
		l.note(path, err)
		return revealed
	}
	return value
}

func (l *lookup) note(path string, err error) {
	if err == nil || l.problem != nil {
		return
	}
	l.problem = &v1.Problem{
		Reason: v1.InvalidManifest, Object: l.entity.Key(), Origin: l.entity.Place(path),
		Message: path + ": " + err.Error(), Fix: SecretRemedy(err),
	}
}

package manifests

import (
	"slices"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// entities looks up what entities refer to. Where that leads nowhere, what an
// entity was before stays; at first there is nothing, and then it is withheld, which
// lets Kong keep what it holds of it.
func (r *revealer) entityList(list []*v1.Entity) (out []v1.Entity, files []string, problems []v1.Problem) {
	now := make(map[v1.Key]v1.Entity, len(list))
	for _, e := range list {
		made := *e
		look := &lookup{entity: e}
		made.Body, _ = look.value("", e.Body).(map[string]any)
		files = append(files, look.files...)
		if look.problem != nil {
			problems = append(problems, *look.problem)
			before, known := r.entities[e.Key()]
			if made.Body = nil; known {
				made = before
			} else {
				made.Withheld = look.problem
			}
		}
		now[e.Key()] = made
		out = append(out, made)
	}
	r.entities = now
	return out, files, problems
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
		Message: path + ": " + err.Error(), Fix: "see that the daemon can read it",
	}
}

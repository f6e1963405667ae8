package manifests

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// hide makes secrets of the fields that are.
func (w *words) hide(known v1.EntityKind, made *v1.Entity) {
	for _, path := range known.Secrets {
		into, last := made.Body, path
		for head, rest, more := strings.Cut(last, "."); more; head, rest, more = strings.Cut(last, ".") {
			inner, _ := into[head].(map[string]any)
			into, last = inner, rest
		}
		if text, ok := into[last].(string); ok {
			into[last] = v1.NewSecret(text)
		}
	}
}

// call gives an entity its name, and reports one that has none.
func (w *words) call(known v1.EntityKind, made *v1.Entity, noun string) {
	said := ""
	hidden := false
	for _, field := range known.Named {
		switch value := made.Body[field].(type) {
		case nil:
			continue
		case string:
			said = value
		case v1.Secret:
			hidden = true
		default:
			said = referred(value)
		}
		break
	}
	switch {
	case known.Kind == v1.KindMember:
		said = made.Ref("consumer_group") + "/" + made.Ref("consumer")
	case known.Kind == v1.KindPlugin && said != "":
		said = scope(made) + said
	case known.Within != "" && (said != "" || hidden), known.Kind == "key" && said != "" && made.Ref("set") != "":
		said = made.Ref(known.Refs[0].Field) + "/" + said
	case len(known.Named) == 0: // certificates: by what they are
		switch cert := made.Body["cert"].(type) {
		case nil:
		case string:
			said = brief(cert)
		default:
			said = referred(cert)
		}
	}
	made.Name = nameOr(said, made.ID)
	if made.Name == "" {
		fix := "write its id"
		if len(known.Named) > 0 {
			fix = "write its " + strings.Join(known.Named, " or ")
		}
		w.report(made.Origin, noun+" has nothing that tells it apart", fix)
	}
	for _, ref := range known.Refs {
		if known.Required(ref.Field) && made.Ref(ref.Field) == "" {
			w.report(made.Origin, fmt.Sprintf("%s belongs to no %s", noun, ref.Field), "write "+ref.Field+": and its name, or put it below that")
		}
	}
}

// referred stands for what is known by where it stands: it stays the same when that
// changes, and tells no gateway of our files.
func referred(value any) string { return "ref-" + brief(fmt.Sprint(value)) }

func brief(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])[:12]
}

// scope is where a plugin applies, as the beginning of its name.
func scope(made *v1.Entity) string {
	var parts []string
	for _, ref := range made.Refs {
		parts = append(parts, ref.Field+"/"+ref.Name)
	}
	if len(parts) == 0 {
		return ""
	}
	return strings.Join(parts, "+") + "/"
}

func nameOr(name, id string) string {
	if name == "" {
		return id
	}
	return name
}

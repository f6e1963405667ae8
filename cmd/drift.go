package cmd

import (
	"fmt"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
)

// parseDrift reads --kong-drift: "report" or "repair" for all kinds of entities, and
// "plugins=report" for one of them, which wins over what is said of all.
func parseDrift(texts []string) (reconcilers.DriftPolicy, error) {
	said := map[string]string{} // by section; "": of all
	for _, text := range texts {
		section, word, of := strings.Cut(text, "=")
		if !of {
			section, word = "", text
		}
		if word != "report" && word != "repair" {
			return nil, fmt.Errorf("--kong-drift %q is not understood; write report or repair, or either for one kind, like plugins=report", text)
		}
		if _, known := v1.EntityKindOf("", section); of && !known {
			return nil, fmt.Errorf("--kong-drift %q: Kong has no kind %q%s", text, section, meant(section))
		}
		if before, again := said[section]; again && before != word {
			return nil, fmt.Errorf("--kong-drift %q contradicts what was said before (%s); keep one of the two", text, before)
		}
		said[section] = word
	}
	policy := reconcilers.DriftPolicy{}
	for _, kind := range v1.EntityKinds() {
		if word, given := said[kind.Section]; word == "report" || !given && said[""] == "report" {
			policy[kind.Kind] = true
		}
	}
	return policy, nil
}

// meant names the kind that a misspelt one was probably meant to be.
func meant(section string) string {
	var sections []string
	for _, kind := range v1.EntityKinds() {
		sections = append(sections, kind.Section)
	}
	if near := v1.Nearest(section, sections); near != "" {
		return fmt.Sprintf("; did you mean %s?", near)
	}
	return "; it has " + strings.Join(sections, ", ")
}

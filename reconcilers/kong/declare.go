package kong

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/admin"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/kong/secret"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// declaration renders objects as Kong's declarative configuration, in JSON,
// which is YAML as well, with the user's own entities beside them. The same objects give the same bytes.
func declaration(rows []*entity.Row, state plan.State, beside *extra) (string, error) {
	sections := map[string]any{"_format_version": "3.0"}
	inner := map[string][]any{} // by parent's id: what lives within it
	for _, row := range slices.Backward(rows) {
		var section []any
		for _, rec := range entity.Records(state, row) {
			body := maps.Clone(rec.Written())
			maps.DeleteFunc(body, func(_ string, value any) bool { return value == nil })
			if row.Within != "" {
				parent := ""
				for field, kind := range row.Refs {
					if kind == row.Within {
						parent = entity.Reference(body, field)
						delete(body, field)
					}
				}
				inner[parent+row.Section] = append(inner[parent+row.Section], body)
				continue
			}
			for _, child := range rows {
				if nested := inner[rec.ID+child.Section]; child.Within == row.Kind && len(nested) > 0 {
					body[child.Section] = nested
				}
			}
			section = append(section, body)
		}
		if len(section) > 0 {
			sections[row.Section] = section
		}
	}
	return beside.merged(sections)
}

// refused is why Kong did not take a configuration.
type refused struct {
	message   string
	offenders map[v1.Key]string // what is wrong with each; empty when Kong does not say
	others    []string          // what is wrong with what is not ours
	tooLarge  bool              // it is more than Kong takes, and nothing is wrong with it
}

// blame reads Kong's answer to a configuration that it does not take, and finds
// the objects that it names.
func blame(said *admin.Refusal, text []byte, state plan.State, beside *extra) refused {
	secrets := slices.Concat(beside.hushed(), entity.Secrets(state))
	said.Without(secrets)
	out := refused{message: said.Words(), offenders: map[v1.Key]string{}}
	var report struct {
		Flattened json.RawMessage `json:"flattened_errors"`
	}
	var entries []struct {
		Type   string `json:"entity_type"`
		ID     string `json:"entity_id"`
		Name   string `json:"entity_name"`
		Errors []struct {
			Field    string   `json:"field"`
			Message  string   `json:"message"`
			Messages []string `json:"messages"`
		} `json:"errors"`
	}
	if json.Unmarshal(text, &report) != nil || json.Unmarshal(report.Flattened, &entries) != nil {
		return out // an empty list comes as an object
	}
	byID, byName := map[string]v1.Key{}, map[string]v1.Key{}
	for key, o := range state {
		if rec, ok := o.Native.(*entity.Record); ok {
			byID[rec.ID] = key
			if rec.Row.Kind != v1.KindPlugin { // several have one name
				byName[string(rec.Row.Kind)+"/"+rec.Name()] = key
			}
		}
	}
	for _, entry := range entries {
		key, known := byID[entry.ID]
		if !known {
			key, known = byName[entry.Type+"/"+entry.Name]
		}
		var words []string
		for _, e := range entry.Errors {
			for _, message := range append(e.Messages, e.Message) {
				if message != "" {
					words = append(words, secret.Without(secrets, strings.TrimPrefix(e.Field+": "+message, ": ")))
				}
			}
		}
		if said := v1.OneLine(strings.Join(words, "; ")); known {
			out.offenders[key] = said
		} else {
			out.others = append(out.others, v1.OneLine(secret.Without(secrets, fmt.Sprintf("%s %s: %s", entry.Type, entry.Name, said))))
		}
	}
	return out
}

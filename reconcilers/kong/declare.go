package kong

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/admin"
	"github.com/lockstep/lockstep/reconcilers/kong/secret"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// declaration renders objects as Kong's declarative configuration, in JSON,
// which is YAML as well, with the user's own entities beside them. The same objects give the same bytes.
func declaration(rows []*row, state plan.State, beside *extra) (string, error) {
	sections := map[string]any{"_format_version": "3.0"}
	inner := map[string][]any{} // by parent's id: what lives within it
	for _, row := range slices.Backward(rows) {
		var section []any
		for _, rec := range recordsOf(state, row) {
			body := maps.Clone(rec.withToken())
			maps.DeleteFunc(body, func(_ string, value any) bool { return value == nil })
			if row.within != "" {
				parent := ""
				for field, kind := range row.refs {
					if kind == row.within {
						parent = reference(body, field)
						delete(body, field)
					}
				}
				inner[parent+row.section] = append(inner[parent+row.section], body)
				continue
			}
			for _, child := range rows {
				if nested := inner[rec.id+child.section]; child.within == row.kind && len(nested) > 0 {
					body[child.section] = nested
				}
			}
			section = append(section, body)
		}
		if len(section) > 0 {
			sections[row.section] = section
		}
	}
	return beside.merged(sections)
}

// recordsOf returns the records of a kind, sorted by key. Children stand
// before parents in the table's reverse, so that they are known in time.
func recordsOf(state plan.State, row *row) []*record {
	var records []*record
	for key, o := range state {
		if rec, ok := o.Native.(*record); ok && key.Kind == row.kind {
			records = append(records, rec)
		}
	}
	slices.SortFunc(records, func(a, b *record) int { return strings.Compare(a.key, b.key) })
	return records
}

// secretsOf returns what Kong must not be heard to repeat of some states; what holds
// another goes first.
func secretsOf(states ...plan.State) []string {
	var secrets []string
	for _, state := range states {
		for _, o := range state {
			if rec, ok := o.Native.(*record); ok {
				secrets = append(secrets, rec.secrets...)
			}
		}
	}
	slices.SortFunc(secrets, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	return slices.Compact(secrets)
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
	secrets := slices.Concat(beside.hushed(), secretsOf(state))
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
		if rec, ok := o.Native.(*record); ok {
			byID[rec.id] = key
			if rec.row.kind != kindPlugin { // several have one name
				byName[string(rec.row.kind)+"/"+rec.name()] = key
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

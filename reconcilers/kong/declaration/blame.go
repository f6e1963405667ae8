package declaration

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/admin"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/kong/secret"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// Refused is why Kong did not take a configuration.
type Refused struct {
	Message   string            // in Kong's words
	Offenders map[v1.Key]string // what is wrong with each; empty when Kong does not say
	Others    []string          // what is wrong with what is not ours
	TooLarge  bool              // it is more than Kong takes, and nothing is wrong with it
}

// Blame reads Kong's answer to a configuration that it does not take, and finds the objects of
// a state that it names. It takes secrets out of said, and repeats none.
func Blame(said *admin.Refusal, text []byte, state plan.State, beside *Base) Refused {
	secrets := slices.Concat(beside.Secrets(), entity.Secrets(state))
	said.Without(secrets)
	out := Refused{Message: said.Words(), Offenders: map[v1.Key]string{}}
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
			out.Offenders[key] = said
		} else {
			out.Others = append(out.Others, v1.OneLine(secret.Without(secrets, fmt.Sprintf("%s %s: %s", entry.Type, entry.Name, said))))
		}
	}
	return out
}

package fakekong

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestOwnSchemas compares the package's schemas with a real Kong's: they must say the
// same but for descriptions, advice about old fields, and checks that aren't spelled out.
func TestOwnSchemas(t *testing.T) {
	own, err := newLibrary(nil, false)
	if err != nil {
		t.Fatal(err)
	}
	var real struct{ Entities, Plugins map[string]json.RawMessage }
	unmarshal(t, contractFile(t, "schemas.json"), &real)
	for name, raw := range own.raw {
		theirs := real.Entities[name]
		if plugin, ok := strings.CutPrefix(name, "plugins/"); ok {
			theirs = real.Plugins[plugin]
		}
		if name == "workspaces" {
			continue // of use for nothing here but its name
		}
		var want, got any
		unmarshal(t, theirs, &want)
		unmarshal(t, raw, &got)
		if diff := cmp.Diff(essence(want), essence(got)); diff != "" {
			t.Errorf("%s (-Kong +ours):\n%s", name, diff)
		}
	}
}

// essence leaves out what doesn't decide anything.
func essence(v any) any {
	switch v := v.(type) {
	case []any:
		out := []any{}
		for _, e := range v {
			if m, ok := e.(map[string]any); ok && m["custom_entity_check"] != nil {
				continue
			}
			out = append(out, essence(e))
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for name, e := range v {
			_, isText := e.(string)
			if name == "removal_in_version" || isText && (name == "description" || name == "message") {
				continue
			}
			e = essence(e)
			if l, ok := e.([]any); ok && name == "entity_checks" && len(l) == 0 {
				continue
			}
			out[name] = e
		}
		return out
	}
	return v
}

func TestSchemasAreServed(t *testing.T) {
	k := start(t, Options{NoListen: true, Schemas: []byte(`{"plugins": {"mine": {"fields": [{"config": {"type": "record", "required": true,
		"fields": [{"n": {"type": "integer", "default": 3}}]}}]}}}`)})
	for _, path := range []string{"/schemas/services", "/schemas/plugins/cors", "/schemas/plugins/mine"} {
		if must(t, k, "GET", path, nil)["fields"] == nil {
			t.Errorf("%s has no fields", path)
		}
	}
	for path, want := range map[string]string{"/schemas/nope": "No entity named 'nope'", "/schemas/plugins/nope": "No plugin named 'nope'"} {
		if code, out := ask(t, k, "GET", path, nil); code != 404 || out["message"] != want {
			t.Errorf("%s: %d %v", path, code, out)
		}
	}
	plugin := must(t, k, "POST", "/plugins", object{"name": "mine"})
	if diff := cmp.Diff(object{"n": 3.0}, plugin["config"]); diff != "" {
		t.Errorf("defaults of a schema of the caller's (-want +got):\n%s", diff)
	}
	if code, _ := ask(t, k, "POST", "/schemas/services/validate", object{"host": ""}); code != 400 {
		t.Errorf("validates an empty host: %d", code)
	}
	must(t, k, "POST", "/schemas/services/validate", object{"host": "h"})
	if k.World("id") != "plugin mine\n  config: {\"n\":3}\n  enabled: true\n  name: \"mine\"\n  protocols: [\"grpc\",\"grpcs\",\"http\",\"https\"]\n" {
		t.Errorf("validating stored something:\n%s", k.World("id"))
	}
}

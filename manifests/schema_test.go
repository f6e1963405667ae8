package manifests

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// compiled returns the schema of a kind, checked against its own schema.
func compiled(t *testing.T, kind string) *jsonschema.Schema {
	t.Helper()
	text, err := json.Marshal(Schema(kind, nil))
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("lockstep.json", document); err != nil {
		t.Fatal(err)
	}
	made, err := compiler.Compile("lockstep.json")
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// documents returns the documents of a text as JSON knows them, without empty ones.
func documents(t *testing.T, text []byte) []any {
	t.Helper()
	var out []any
	decoder := yaml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))))
	for {
		var value any
		err := decoder.Decode(&value)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			return nil
		}
		if value == nil {
			continue
		}
		encoded, err := json.Marshal(value)
		if err != nil {
			return nil
		}
		plain, err := jsonschema.UnmarshalJSON(bytes.NewReader(encoded))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, plain)
	}
}

// TestSchemaTakesWhatIsGood: whatever is good YAML of ours fits the schema, that of
// any kind and that of its own.
func TestSchemaTakesWhatIsGood(t *testing.T) {
	all := compiled(t, "")
	byKind := map[string]*jsonschema.Schema{}
	for _, kind := range SchemaKinds() {
		byKind[kind] = compiled(t, kind)
	}
	examples, err := filepath.Glob("examples/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(examples, corpus(t, "good", 20)...) {
		for _, document := range documents(t, read(t, path)) {
			if err := all.Validate(document); err != nil {
				t.Errorf("%s: %v", path, err)
			}
			fields, isMap := document.(map[string]any)
			kind, named := fields["kind"].(string)
			if !isMap || !named {
				continue
			}
			if err := byKind[kind].Validate(document); err != nil {
				t.Errorf("%s as a %s: %v", path, kind, err)
			}
		}
	}
	for _, f := range v1.Fields() {
		if f.Scope == v1.OfContainer || f.Name == "network" {
			continue
		}
		text := "apiVersion: lockstep.dev/v1\nkind: Service\nmetadata: {name: shop.web}\nspec:\n"
		if f.Scope == v1.OfInstance {
			text += "  endpoints:\n    - address: 10.0.0.5\n      " + f.ExampleYAML() + "\n"
		} else {
			text += "  " + f.ExampleYAML() + "\n"
		}
		for _, document := range documents(t, []byte(text)) {
			if err := all.Validate(document); err != nil {
				t.Errorf("the example of %s: %v\n%s", f.Name, err, text)
			}
		}
	}
}

// TestSchemaRefuses what an editor should underline.
func TestSchemaRefuses(t *testing.T) {
	all := compiled(t, "")
	head := "apiVersion: lockstep.dev/v1\nkind: Service\nmetadata: {name: a}\n"
	for name, text := range map[string]string{
		"another version": "apiVersion: v2\nkind: Service\nmetadata: {name: a}\n",
		"no kind":         "apiVersion: lockstep.dev/v1\nmetadata: {name: a}\n",
		"unknown kind":    "apiVersion: lockstep.dev/v1\nkind: Servce\nmetadata: {name: a}\n",
		"no name":         "apiVersion: lockstep.dev/v1\nkind: Service\nmetadata: {}\n",
		"unknown field":   head + "spec: {hots: [a.test]}\n",
		"a field of ours": head + "spec: {hosts?: [a.test]}\n",
		"another type":    head + "spec: {strip_path: 5}\n",
		"too much":        head + "spec: {endpoints: [{address: '10.0.0.1:80', weight: 900}]}\n",
		"no duration":     head + "spec: {grace: soon}\n",
		"unknown word":    head + "spec: {gateways: [nginx]}\n",
		"no address":      head + "spec: {endpoints: [{weight: 5}]}\n",
		"of an instance":  head + "spec: {weight: 5}\n",
		"half of a pair":  "apiVersion: lockstep.dev/v1\nkind: Certificate\nmetadata: {name: a}\nspec: {certificate: x}\n",
		"no rules":        "apiVersion: lockstep.dev/v1\nkind: Policy\nmetadata: {name: a}\nspec: {rules: []}\n",
		"no message":      "apiVersion: lockstep.dev/v1\nkind: Policy\nmetadata: {name: a}\nspec: {rules: [{require: 'true'}]}\n",
		"no service":      "apiVersion: lockstep.dev/v1\nkind: Route\nmetadata: {name: a}\nspec: {hosts: [a.test]}\n",
		"unknown list":    "apiVersion: lockstep.dev/v1\nkind: KongEntities\nmetadata: {name: a}\nspec: {consumer: []}\n",
		"unknown section": "apiVersion: lockstep.dev/v1\nkind: HAProxySection\nmetadata: {name: a}\nspec: {section: backnd}\n",
	} {
		t.Run(name, func(t *testing.T) {
			for _, document := range documents(t, []byte(text)) {
				if all.Validate(document) == nil {
					t.Errorf("the schema takes it:\n%s", text)
				}
			}
		})
	}
	if Schema("Nothing", nil) != nil {
		t.Error("there is a schema of a kind that there is not")
	}
}

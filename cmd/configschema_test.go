package cmd

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/spf13/pflag"

	"github.com/lockstep/lockstep/manifests"
)

// TestConfigFitsItsSchema: what a Config may say fits the schema that editors check it by,
// whatever its fields are given.
func TestConfigFitsItsSchema(t *testing.T) {
	text, err := json.Marshal(manifests.Schema("Config", configSchema()))
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
	schema, err := compiler.Compile("lockstep.json")
	if err != nil {
		t.Fatal(err)
	}
	taken, refused := 0, 0
	daemonFlags().VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == configFlag {
			return
		}
		for _, value := range []string{`true`, `"true"`, `"false"`, `"t"`, `"True"`, `1`, `"1"`, `5`, `"5"`, `"5s"`, `"text"`, `"/path"`, `["text"]`, `["true"]`, `[true]`, `[5]`, `{"a": 1}`} {
			object := `{"apiVersion": "lockstep.dev/v1", "kind": "Config", "metadata": {"name": "a"}, "spec": {"` + fieldOf(f.Name) + `": ` + value + `}}`
			settings, problems := manifests.Settings("a.yaml", []byte(object)) // JSON is YAML
			problems = append(problems, applySettings(daemonFlags(), settings)...)
			plain, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(object)))
			if err != nil {
				t.Fatal(err)
			}
			if len(problems) > 0 {
				refused++
				continue
			}
			taken++
			if err := schema.Validate(plain); err != nil {
				t.Errorf("%s: %s is taken, and the schema refuses it: %v", f.Name, value, err)
			}
			if f.Value.Type() == "bool" && value != "true" && value != `"true"` && value != `"false"` {
				t.Errorf("%s: %s is taken", f.Name, value)
			}
		}
	})
	if taken < 200 || refused < 200 {
		t.Errorf("%d values are taken and %d refused: the test says little", taken, refused)
	}
}

package manifests

import (
	"fmt"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// TestWhatADeckFileSaysOfAllIsBounded: a few lines that say much of every entity, and many
// entities, are a mistake at the first entity that is too much, said once.
func TestWhatADeckFileSaysOfAllIsBounded(t *testing.T) {
	const many = 800
	list := func(format string) string {
		var b strings.Builder
		for i := range many {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for name, text := range map[string]string{
		"configurations":        "_plugin_configs:\n  all: {" + list("k%d: 1,") + "}\nplugins:\n" + list("- {name: p%d, _config: all}\n"),
		"nested configurations": "_plugin_configs:\n  all: {deep: {" + list("k%d: 1,") + "}}\nplugins:\n" + list("- {name: p%d, _config: all}\n"),
		"defaults":              "_info:\n  defaults:\n    plugin:\n      config: {" + list("k%d: 1,") + "}\nplugins:\n" + list("- {name: p%d, config: {own: 1}}\n"),
		"tags":                  "_info:\n  select_tags: [" + list("t%d,") + "]\nconsumers:\n" + list("- {username: c%d}\n"),
	} {
		t.Run(name, func(t *testing.T) {
			_, problems := Parse("kong.yaml", []byte("_format_version: \"3.0\"\n"+text))
			if len(problems) != 1 || !strings.Contains(problems[0].Message, "more than 500000 values") || problems[0].Origin.Line < 500 {
				t.Errorf("%d problems: %v", len(problems), problems)
			}
		})
	}
}

// TestWordsForTruthInDeckFiles: what decK's parser reads as true or false is so here, in decK
// files and nowhere else.
func TestWordsForTruthInDeckFiles(t *testing.T) {
	for _, word := range []string{"y", "Y", "yes", "Yes", "YES", "n", "no", "No", "on", "ON", "off", "Off", "OFF", "true", "False", "yEs", `"yes"`, "'no'", "nope"} {
		var theirs struct{ V any }
		if err := yaml.Unmarshal([]byte("v: "+word), &theirs); err != nil {
			t.Fatal(err)
		}
		file, problems := Parse("kong.yaml", []byte("_format_version: \"3.0\"\nplugins:\n- name: own\n  config: {on: ["+word+"]}\n"))
		if len(problems) > 0 || len(file.Objects) != 1 || len(file.Objects[0].Entities) != 1 {
			t.Fatalf("%s: %v %v", word, file, problems)
		}
		config, _ := file.Objects[0].Entities[0].Body["config"].(map[string]any)
		if ours, _ := config["on"].([]any); len(ours) != 1 || ours[0] != theirs.V {
			t.Errorf("%s: read as %v, by decK as %v", word, config, theirs.V)
		}
	}
	if _, problems := Parse("a.yaml", []byte("apiVersion: lockstep.dev/v1\nkind: KongEntities\nmetadata: {name: a}\nspec:\n  plugins:\n  - {name: cors, enabled: yes}\n")); len(problems) != 1 {
		t.Errorf("a manifest takes yes for true: %v", problems)
	}
}

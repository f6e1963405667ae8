package manifests

import (
	"fmt"
	"strings"
	"testing"
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

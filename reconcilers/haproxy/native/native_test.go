package native

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type fields = map[string]any

// TestText: a body becomes one section, with its lists in the order of the manifest, and is read back.
func TestText(t *testing.T) {
	kind, served := KindOf("backend")
	if !served {
		t.Fatal("backends are not served")
	}
	text, err := kind.Text("redis", "ours", fields{
		"name": "redis", "mode": "tcp",
		"servers": []any{fields{"name": "two", "address": "10.0.0.2", "port": 6379}, fields{"name": "one", "address": "10.0.0.1", "port": 6379}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := "backend redis from ours\n  mode tcp\n  server two 10.0.0.2:6379\n  server one 10.0.0.1:6379\n"; text != want {
		t.Errorf("got\n%swant\n%s", text, want)
	}
	sections := map[string]*Section{"backend redis": {Head: "backend redis", Manifest: "a \"b\"", Text: text}}
	var b bytes.Buffer
	b.WriteString("# a head\n")
	Write(&b, sections)
	if d := cmp.Diff(sections, Parse(b.String())); d != "" {
		t.Errorf("read back, -want +got:\n%s", d)
	}
}

// TestRefused: what a model does not know is named, and nothing carries a second line.
func TestRefused(t *testing.T) {
	if _, served := KindOf("global"); served {
		t.Error("global is served")
	}
	kind, _ := KindOf("backend")
	for want, body := range map[string]fields{
		"knows no servers[0].adr":         {"servers": []any{fields{"name": "a", "adr": "10.0.0.1"}}},
		"servers must be a list":          {"servers": "a"},
		"holds the control character":     {"servers": []any{fields{"name": "a", "address": "10.0.0.1\n  server b 10.0.0.2"}}},
		"id is HAProxy's to choose":       {"id": 3},
		"from: backend \"a b\" holds ' '": {"from": "a b"},
	} {
		body["name"] = "redis"
		if text, err := kind.Text("redis", "ours", body); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q: %v %q", want, err, text)
		}
	}
}

package schema

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/kong/jsonvalue"
)

// TestSameIsNoMore: what is called the same is the same by its text.
func TestSameIsNoMore(t *testing.T) {
	inner := Field{name: "r", kind: "record", fallback: map[string]any{"n": json.Number("1")}, fields: []Field{
		{name: "n", kind: "integer", fallback: json.Number("2")}, {name: "l", kind: "array", fallback: []any{"a", "b"}},
	}}
	outer := Field{kind: "record", fields: []Field{inner, {name: "s", kind: "string"}}}
	row := &entity.Row{}
	for text, same := range map[string]bool{
		`{}`: true, `{"r":{"n":1}}`: true, `{"r":{"n":2}}`: false, `{"r":{}}`: false, `{"r":{"n":1,"l":["a","b"]},"s":null}`: true,
		`{"r":{"n":1,"l":["a"]}}`: false, `{"r":{"n":1,"x":3}}`: false, `{"s":"x"}`: false, `{"y":1}`: false,
	} {
		value, err := jsonvalue.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := outer.same(value, nil); got != same {
			t.Errorf("%s: %v, want %v", text, got, same)
		}
		if same && entity.Canonical(row, "", outer.filled(value)) != entity.Canonical(row, "", outer.filled(nil)) {
			t.Errorf("%s is called the same and is not", text)
		}
	}
}

// TestShorthands: where a value that is given by an old name goes, as Kong's versions say it.
func TestShorthands(t *testing.T) {
	text := `[{"one": {"deprecation": {"replaced_with": [{"path": ["redis", "one"]}]}, "translate_backwards": ["other"]}},
		{"two": {"translate_backwards": ["redis", "two"], "deprecation": {"message": "config.two is deprecated"}}},
		{"three": {"type": "number"}}, {"four": {"replaced_with": [{"path": ["a"]}, {"path": ["b"]}]}}]`
	described, err := jsonvalue.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{"one": {"redis", "one"}, "two": {"redis", "two"}}
	if diff := cmp.Diff(want, parseShorthands(described)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

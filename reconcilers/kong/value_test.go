package kong

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	gokong "github.com/kong/go-kong/kong"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// TestJSONBody holds the short way to what reading written JSON again makes.
func TestJSONBody(t *testing.T) {
	checked, ok := upstream("a.test", &v1.Service{HealthCheck: v1.HealthCheck{Check: v1.CheckHTTP, CheckInterval: 1500 * time.Millisecond}}, []string{"x"})
	if !ok {
		t.Fatal("no upstream")
	}
	var none map[string]any
	for name, entity := range map[string]any{
		"a service":          gokong.Service{Name: new("a"), Port: new(80), TLSVerify: new(false), Tags: gokong.StringSlice("b", "a"), CACertificates: nil},
		"a route":            gokong.Route{Hosts: gokong.StringSlice(), Headers: map[string][]string{"x": {"<&>", "\u2028"}}, Service: &gokong.Service{ID: new("i")}},
		"an embedded struct": checked,
		"nothing":            none,
		"a map": map[string]any{
			"nil": nil, "number": 1, "float": 1.5, "big": 1e21, "spelled": json.Number("6e1"), "uint": uint8(7), "bytes": []byte("abc"), "time": time.Unix(0, 0).UTC(),
			"list": []any{1, "a", nil, []string(nil), map[string]int{"b": 2}}, "wrong": "a\xffb", "pointer": new("p"), "array": [2]bool{true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := json.Marshal(entity)
			if err != nil {
				t.Fatal(err)
			}
			want, err := decodeBody(text)
			if err != nil {
				t.Fatal(err)
			}
			got, err := jsonBody(entity)
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%v (-by JSON +got):\n%s", err, diff)
			}
		})
	}
	for name, entity := range map[string]any{"a channel": map[string]any{"c": make(chan int)}, "no number": map[string]any{"f": math.NaN()}, "no object": "text", "keys": map[int]any{1: 2}} {
		if _, err := jsonBody(entity); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

// TestSameIsNoMore: what is called the same is the same by its text.
func TestSameIsNoMore(t *testing.T) {
	inner := field{name: "r", kind: "record", fallback: map[string]any{"n": json.Number("1")}, fields: []field{
		{name: "n", kind: "integer", fallback: json.Number("2")}, {name: "l", kind: "array", fallback: []any{"a", "b"}},
	}}
	outer := field{kind: "record", fields: []field{inner, {name: "s", kind: "string"}}}
	row := &row{}
	for text, same := range map[string]bool{
		`{}`: true, `{"r":{"n":1}}`: true, `{"r":{"n":2}}`: false, `{"r":{}}`: false, `{"r":{"n":1,"l":["a","b"]},"s":null}`: true,
		`{"r":{"n":1,"l":["a"]}}`: false, `{"r":{"n":1,"x":3}}`: false, `{"s":"x"}`: false, `{"y":1}`: false,
	} {
		value, err := decodeJSON(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := outer.same(value, nil); got != same {
			t.Errorf("%s: %v, want %v", text, got, same)
		}
		if same && canonical(row, "", outer.filled(value)) != canonical(row, "", outer.filled(nil)) {
			t.Errorf("%s is called the same and is not", text)
		}
	}
}

// TestPlainList: the quick text of a list is its JSON.
func TestPlainList(t *testing.T) {
	for _, list := range [][]any{{"a"}, {"a", "b.c/d~ "}, {"é"}, {`"`}, {`\`}, {"<"}, {"\x7f"}, {""}, {"a", 1}} {
		want, err := json.Marshal(list)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := plainList(list); ok && got != string(want) {
			t.Errorf("%v: %s, want %s", list, got, want)
		}
	}
}

// TestShorthands: where a value that is given by an old name goes, as Kong's versions say it.
func TestShorthands(t *testing.T) {
	text := `[{"one": {"deprecation": {"replaced_with": [{"path": ["redis", "one"]}]}, "translate_backwards": ["other"]}},
		{"two": {"translate_backwards": ["redis", "two"], "deprecation": {"message": "config.two is deprecated"}}},
		{"three": {"type": "number"}}, {"four": {"replaced_with": [{"path": ["a"]}, {"path": ["b"]}]}}]`
	described, err := decodeJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{"one": {"redis", "one"}, "two": {"redis", "two"}}
	if diff := cmp.Diff(want, parseShorthands(described)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

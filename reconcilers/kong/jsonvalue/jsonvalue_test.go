package jsonvalue

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	gokong "github.com/kong/go-kong/kong"
)

// TestOf holds the short way to what reading written JSON again makes.
func TestOf(t *testing.T) {
	type checked struct {
		gokong.Upstream
		Healthchecks map[string]any `json:"healthchecks,omitempty"`
	}
	var none map[string]any
	for name, entity := range map[string]any{
		"a service":          gokong.Service{Name: new("a"), Port: new(80), TLSVerify: new(false), Tags: gokong.StringSlice("b", "a"), CACertificates: nil},
		"a route":            gokong.Route{Hosts: gokong.StringSlice(), Headers: map[string][]string{"x": {"<&>", "\u2028"}}, Service: &gokong.Service{ID: new("i")}},
		"an embedded struct": checked{gokong.Upstream{Name: new("a.test"), Healthchecks: &gokong.Healthcheck{}}, map[string]any{"interval": 1.5, "type": "http"}},
		"nothing in it":      checked{},
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
			want, err := Object(text)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Of(entity)
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%v (-by JSON +got):\n%s", err, diff)
			}
		})
	}
	for name, entity := range map[string]any{"a channel": map[string]any{"c": make(chan int)}, "no number": map[string]any{"f": math.NaN()}, "no object": "text", "keys": map[int]any{1: 2}} {
		if _, err := Of(entity); err == nil {
			t.Errorf("%s is taken", name)
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

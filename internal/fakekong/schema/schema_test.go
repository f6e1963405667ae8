package schema_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep/lockstep/internal/fakekong/schema"
)

func TestMatchLua(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"^%u+$", "GET", true},
		{"^%u+$", "Get", false},
		{"^[a-z][a-z%d-]-[a-z%d]+$", "my-env2", true},
		{"^[a-z][a-z%d-]-[a-z%d]+$", "2my", false},
		{"^%*%.", "*.a.test", true},
		{"%.%*$", "a.*", true},
		{"^[^*]*%*?[^*]*$", "a.*.*", false},
		{"^.*[^:]$", "a:", false},
		{"//", "/a//b", true},
		{"^[0-9]+-[0-9]+$", "200-299", true},
	} {
		if got := schema.MatchLua(c.pattern, c.s); got != c.want {
			t.Errorf("%q matches %q: %v", c.pattern, c.s, got)
		}
	}
}

const sample = `{
	"fields": [
		{"name": {"type": "string", "required": true, "len_min": 2}},
		{"n": {"type": "integer", "between": [1, 5], "default": 3}},
		{"set": {"type": "set", "elements": {"type": "string", "one_of": ["a", "b"]}}},
		{"limits": {"type": "map", "keys": {"type": "string", "len_min": 2}, "values": {"type": "number", "gt": 0}}},
		{"redis": {"type": "record", "required": true, "fields": [{"host": {"type": "string"}}, {"port": {"type": "integer", "default": 6379}}]}},
		{"nobody": {"type": "foreign", "reference": "consumers", "eq": null}},
		{"auto": {"type": "string", "auto": true, "required": true}}
	],
	"shorthand_fields": [{"redis_host": {"type": "string", "deprecation": {"replaced_with": [{"path": ["redis", "host"]}]}}}],
	"entity_checks": [{"conditional": {"if_field": "n", "if_match": {"one_of": [5]}, "then_field": "redis.host", "then_match": {"required": true}}}]
}`

func TestFillAndShow(t *testing.T) {
	s := parse(t)
	in := map[string]any{"name": "x", "set": []any{"a", "b", "a"}, "redis_host": "r.test", "odd": true}
	got := s.Fill(in)
	want := map[string]any{
		"name": "x", "n": 3.0, "set": []any{"a", "b"}, "limits": nil, "nobody": nil, "auto": nil, "odd": true,
		"redis": map[string]any{"host": "r.test", "port": 6379.0},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("filled in (-want +got):\n%s", diff)
	}
	if s.Show(got)["redis_host"] != "r.test" || in["n"] != nil {
		t.Errorf("shows %v, and made %v of its input", s.Show(got), in)
	}
	merged := s.Merge(got, map[string]any{"redis": map[string]any{"port": 1.0}, "n": nil})
	if diff := cmp.Diff(map[string]any{"host": "r.test", "port": 1.0}, merged["redis"]); diff != "" || merged["n"] != nil {
		t.Errorf("merged into %v", merged)
	}
}

func TestViolations(t *testing.T) {
	for name, c := range map[string]struct {
		in   map[string]any
		want schema.Violations
		text string
	}{
		"nothing": {in: map[string]any{"name": "ab"}},
		"missing": {map[string]any{}, schema.Violations{"name": "required field missing"}, "schema violation (name: required field missing)"},
		"nested": {
			map[string]any{"name": "ab", "redis": map[string]any{"port": "x"}},
			schema.Violations{"redis": schema.Violations{"port": "expected an integer"}}, "schema violation (redis.port: expected an integer)"},
		"elements keep their places": {
			map[string]any{"name": "ab", "set": []any{"a", "c"}},
			schema.Violations{"set": []any{nil, "expected one of: a, b"}}, "schema violation (set.2: expected one of: a, b)"},
		"maps": {
			map[string]any{"name": "ab", "limits": map[string]any{"aa": 0.0}},
			schema.Violations{"limits": schema.Violations{"aa": "value must be greater than 0"}},
			"schema violation (limits.aa: value must be greater than 0)"},
		"eq null": {
			map[string]any{"name": "ab", "nobody": map[string]any{"id": "1"}},
			schema.Violations{"nobody": "value must be null"}, "schema violation (nobody: value must be null)"},
		"conditional and unknown": {
			map[string]any{"name": "ab", "n": 5.0, "odd": 1.0},
			schema.Violations{
				"@entity": []any{"failed conditional validation given value of field 'n'"},
				"odd":     "unknown field", "redis": schema.Violations{"host": "required field missing"}},
			"3 schema violations (failed conditional validation given value of field 'n'; odd: unknown field; redis.host: required field missing)"},
	} {
		t.Run(name, func(t *testing.T) {
			s := parse(t)
			got := s.Validate(s.Fill(c.in), schema.Rules{})
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
			if got != nil && got.Message() != c.text {
				t.Errorf("message %q, want %q", got.Message(), c.text)
			}
		})
	}
}

func parse(t *testing.T) *schema.Field {
	t.Helper()
	s, err := schema.Parse([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

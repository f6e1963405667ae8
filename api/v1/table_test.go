package v1

import (
	"slices"
	"strings"
	"testing"
)

// TestTable holds what the rest relies on of every row.
func TestTable(t *testing.T) {
	grammar := Grammar{Prefix: "lockstep."}
	names := map[string]bool{}
	for _, f := range Fields() {
		t.Run(f.Name, func(t *testing.T) {
			if names[f.Name] || fold(f.Name) != f.Name || f.Name == wordRoutes || f.Name == wordServices {
				t.Error("the name is taken, or not in its folded form")
			}
			names[f.Name] = true
			if later[f.Name] != "" {
				t.Error("the field is known and yet a word of later versions")
			}
			if !strings.HasSuffix(f.Doc, ".") || strings.Count(f.Doc, ". ") > 0 {
				t.Errorf("the doc is not one sentence: %q", f.Doc)
			}
			if f.Kong.As == "" && f.HAProxy.As == "" {
				t.Error("no gateway expresses the field")
			}
			if (f.Unset == "") != f.isWorth(f.Default) {
				t.Error("want either a default value or words for what holds without one")
			}
			if (f.Type == Text || f.Type == List || f.Type == Map) != (f.Chars.holds != nil && f.check != nil && f.Chars.Words != "") {
				t.Error("a text needs its characters and a check, and nothing else has them")
			}
			checkCharset(t, f.Chars)
			checkExample(t, grammar, &f)
			for _, alias := range f.Aliases {
				if fold(alias) != alias || nearest(alias, nil, f.Scope) != f.Name {
					t.Errorf("the alias %q does not lead to the field", alias)
				}
			}
		})
	}
}

// isWorth reports whether the default is a value of its own: a truth value, a
// duration, a word, or a number within the field's bounds.
func (f *Field) isWorth(v Value) bool {
	switch f.Type {
	case Bool:
		return f.Scope != OfContainer
	case Int:
		return v.Int >= f.Min
	case Text:
		return v.Text != ""
	case Duration:
		return v.Duration > 0
	}
	return false
}

func checkCharset(t *testing.T, c Charset) {
	t.Helper()
	if c.holds == nil {
		return
	}
	for i := range 256 {
		if char := byte(i); c.holds(char) && (char <= ' ' || char >= 0x7f || strings.IndexByte("\"'`#", char) >= 0) {
			t.Errorf("the field's characters hold %q", char)
		}
	}
}

// exampleLabels returns a field's example with what it needs beside it.
func exampleLabels(f *Field) map[string]string {
	labels := map[string]string{"lockstep.enable": "true"}
	switch {
	case slices.Contains(f.Protocols, TCP) || f.Name == "protocol":
		labels["lockstep.protocol"], labels["lockstep.listen"] = "tcp", "1"
	case slices.Contains(f.Protocols, TLSPassthrough):
		labels["lockstep.protocol"] = "tls_passthrough"
	case f.Protocols != nil && !slices.Contains(f.Protocols, HTTP):
		labels["lockstep.protocol"], labels["lockstep.hosts"] = string(f.Protocols[0]), "a.example.com"
	case f.Scope == OfRoute && !f.Match:
		labels["lockstep.hosts"] = "a.example.com"
	default:
		labels["lockstep.routes.other.paths"] = "/"
	}
	if f.needs != nil {
		labels["lockstep.check"] = CheckHTTP
	}
	if f.Name == "check_send" || f.Name == "check_expect" {
		labels["lockstep.check"], labels["lockstep.check_expect"] = CheckTCP, "x"
	}
	key, value, _ := strings.Cut(f.Example, "=")
	labels["lockstep."+key] = value
	return labels
}

// checkExample decodes the row's example, which must say something.
func checkExample(t *testing.T, g Grammar, f *Field) {
	t.Helper()
	labels := exampleLabels(f)
	d, problems := g.Decode(Subject{Container: "web-1", Labels: labels})
	if len(problems) > 0 {
		t.Fatalf("the example is wrong: %v", problems)
	}
	if f.get == nil {
		return
	}
	routes := d.Services[0].Service.Routes
	i := slices.IndexFunc(routes, func(r Route) bool { return strings.HasSuffix(r.Name, ".default") })
	route := &Route{}
	if i >= 0 {
		route = &routes[i]
	}
	if !f.isSet(f.get(target{instance: &d.Services[0], service: &d.Services[0].Service, route: route})) {
		t.Errorf("the example %s says no more than the default", f.Example)
	}
}

func TestClosest(t *testing.T) {
	words := []string{"hosts", "paths", "port", "grace", "connect_timeout"}
	for word, want := range map[string]string{
		"hots": "hosts", "pahts": "paths", "path": "paths", "prot": "port", "graceperiod": "grace", "connect": "connect_timeout",
		"upstream_connect_timeout": "connect_timeout", "my_port": "port",
		"frobnicate": "", "x": "", "": "", strings.Repeat("hosts", 20): "",
	} {
		if got := closest(word, slices.Clone(words)); got != want {
			t.Errorf("closest(%q) = %q, want %q", word, got, want)
		}
	}
}

package native

import (
	"bytes"
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
	text, faults := kind.Text("redis", "ours", fields{
		"name": "redis", "mode": "tcp",
		"servers": []any{fields{"name": "two", "address": "10.0.0.2", "port": 6379}, fields{"name": "one", "address": "10.0.0.1", "port": 6379}},
	})
	if len(faults) > 0 {
		t.Fatal(faults)
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

// TestFaults: all that is wrong with a body is named, by its place and with what is to be done,
// and nothing carries a second line.
func TestFaults(t *testing.T) {
	if _, served := KindOf("global"); served {
		t.Error("global is served")
	}
	kind, _ := KindOf("backend")
	for name, test := range map[string]struct {
		body fields
		want []Fault
	}{
		"many": {
			fields{"mode": "tpc", "balnce": fields{"algorithm": "leastconn"}, "server_timeout": "soon", "servers": []any{
				fields{"name": "a", "addrss": "10.0.0.1", "port": "80", "check": "enable"}, fields{"name": "b", "address": "10.0.0.1", "port": 1.5}, "c",
			}},
			[]Fault{
				{"servers[0].addrss", `unknown field "addrss"`, "did you mean address?"},
				{"servers[0].port", "port is text, not a number", fixNumber},
				{"servers[0].check", `unknown check "enable"`, "did you mean enabled?"},
				{"servers[1].port", "port is 1.5, not a whole number", "write a whole number"},
				{"servers[2]", "an item of servers is text, not a map", fixMap},
				{"balnce", `unknown field "balnce"`, "did you mean balance?"},
				{"server_timeout", "server_timeout is text, not a number", fixNumber},
				{"mode", `unknown mode "tpc"`, "write one of: http, tcp, log"},
			},
		},
		"a list's name":     {fields{"server": []any{}}, []Fault{{"server", `unknown field "server"`, "did you mean servers?"}}},
		"no list":           {fields{"servers": "a"}, []Fault{{"servers", "servers is text, not a list", fixList}}},
		"no map":            {fields{"balance": []any{"roundrobin"}}, []Fault{{"balance", "balance is a list, not a map", fixMap}}},
		"no text":           {fields{"mode": true}, []Fault{{"mode", "mode is true or false, not text", fixText}}},
		"below":             {fields{"balance": fields{"algo": "x"}}, []Fault{{"balance.algo", `unknown field "algo"`, ""}}},
		"lacking":           {fields{"servers": []any{fields{"name": "a"}}}, []Fault{{"servers[0]", "there is no address", "write it"}}},
		"too large":         {fields{"servers": []any{fields{"name": "a", "address": "b", "port": 99999}}}, []Fault{{"servers[0].port", "port should be less than or equal to 65535", "write what HAProxy's model takes"}}},
		"control character": {fields{"description": "x\n  server b 10.0.0.2"}, []Fault{{"description", "description holds the control character '\\n'", "write plain words on one line"}}},
		"id":                {fields{"id": 3}, []Fault{{"id", "id is HAProxy's to choose", "remove it"}}},
		"from":              {fields{"from": "a b"}, []Fault{{"from", "from: backend \"a b\" holds ' '; HAProxy gets letters, digits and -_.: only", "name a section of defaults in a file of your own"}}},
	} {
		t.Run(name, func(t *testing.T) {
			test.body["name"] = "redis"
			text, faults := kind.Text("redis", "ours", test.body)
			for i := range faults {
				if i < len(test.want) && test.want[i].Fix == "" {
					test.want[i].Fix = faults[i].Fix
				}
			}
			if d := cmp.Diff(test.want, faults); d != "" || text != "" {
				t.Errorf("text %q, -want +got:\n%s", text, d)
			}
		})
	}
}

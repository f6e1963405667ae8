package v1

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDecisions says for each setting who decides it, with labels that may add and
// with labels that may not.
func TestDecisions(t *testing.T) {
	written := func(key, value string, line int) Written {
		at := Origin{File: "m.yaml", Line: line, Column: 3}
		return Written{Key: key, Value: value, At: at, Values: []Origin{at}}
	}
	declared, problems := DecodeService("web", Origin{File: "m.yaml", Line: 3, Column: 18}, []Written{
		written("hosts", "shop.test", 5), written("grace", "5m", 6), written("retries", "2", 7), written("plugins.key-auth", "true", 8), written("strip_path", "false", 9),
	}, nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	labels, problems := Grammar{Prefix: "lockstep."}.Decode(Subject{Container: "web-1", Labels: map[string]string{
		"lockstep.enable": "true", "lockstep.service": "web", "lockstep.hosts": "other.test", "lockstep.grace": "1h", "lockstep.read_timeout": "9s",
		"lockstep.retries": "7", "lockstep.routes.admin.hosts": "admin.test", "lockstep.plugins.cors": "true", "lockstep.paths": "/only", "lockstep.methods": "GET", "lockstep.strip_path": "true", "lockstep.routes.default.plugins.jwt": "true",
	}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	base := labels.Services[0].Service
	base.Origin = Origin{Container: "web-1"}
	at := func(line int) Origin { return Origin{File: "m.yaml", Line: line, Column: 3} }
	label := func(key string) Origin { return Origin{Container: "web-1", Label: "lockstep." + key} }
	decides := Origin{Container: "web-1"}
	want := []Decision{
		{Setting: "grace", Origin: at(6), Over: true, Value: "5m", Labels: "1h"},
		{Setting: "plugins.cors", Origin: label("plugins.cors")},
		{Setting: "plugins.key-auth", Origin: at(8)},
		{Setting: "read_timeout", Origin: decides},
		{Setting: "retries", Origin: at(7), Over: true, Value: "2", Labels: "7"},
		{Setting: "routes.admin", Origin: label("routes.admin.hosts")},
		{Setting: "routes.default.hosts", Origin: at(5), Over: true, Value: "shop.test", Labels: "other.test"},
		{Setting: "routes.default.methods", Origin: decides},
		{Setting: "routes.default.paths", Origin: decides},
		{Setting: "routes.default.plugins.jwt", Origin: label("routes.default.plugins.jwt")},
		{Setting: "routes.default.strip_path", Origin: at(9), Over: true, Value: "false", Labels: "true"},
	}
	merged, overruled := declared.Over(base)
	if diff := cmp.Diff(want, declared.Decisions(&base, &merged, overruled)); diff != "" {
		t.Errorf("with labels (-want +got):\n%s", diff)
	}
	if r := merged.Routes[1]; r.Name != "web.default" || !slices.Equal(r.Paths, []string{"/only"}) || !slices.Equal(r.Methods, []string{"GET"}) || r.StripPath || len(r.Plugins) != 1 {
		t.Errorf("both make %+v", r)
	}
	declared.Alone = true
	first := Origin{File: "m.yaml", Line: 3, Column: 18}
	want = []Decision{
		{Setting: "grace", Origin: at(6), Over: true, Value: "5m", Labels: "1h"},
		{Setting: "plugins.cors", Origin: first, Over: true, Labels: "on"},
		{Setting: "plugins.key-auth", Origin: at(8)},
		{Setting: "read_timeout", Origin: first, Over: true, Labels: "9s"},
		{Setting: "retries", Origin: at(7), Over: true, Value: "2", Labels: "7"},
		{Setting: "routes.admin", Origin: first, Over: true, Labels: "hosts=admin.test"},
		{Setting: "routes.default.hosts", Origin: at(5), Over: true, Value: "shop.test", Labels: "other.test"},
		{Setting: "routes.default.methods", Origin: first, Over: true, Labels: "GET"},
		{Setting: "routes.default.paths", Origin: first, Over: true, Labels: "/only"},
		{Setting: "routes.default.plugins.jwt", Origin: first, Over: true, Labels: "on"},
		{Setting: "routes.default.strip_path", Origin: at(9), Over: true, Value: "false", Labels: "true"},
	}
	merged, overruled = declared.Over(base)
	if diff := cmp.Diff(want, declared.Decisions(&base, &merged, overruled)); diff != "" {
		t.Errorf("without (-want +got):\n%s", diff)
	}
	if len(merged.Routes) != 1 || len(merged.Plugins) != 1 || merged.ReadTimeout != NewService("web").ReadTimeout {
		t.Errorf("labels have a say: %+v", merged)
	}
}

// TestOverForeign: what labels say of a route is left out where the protocol does not know it,
// and opens no route of a manifest whose own match the protocol does not have.
func TestOverForeign(t *testing.T) {
	declares := func(protocol Protocol, route Route, fields ...string) Declared {
		d := Declared{Service: NewService("a"), Fields: append(fields, "protocol")}
		d.Service.Protocol, d.Service.Routes = protocol, []Route{route}
		return d
	}
	stream := NewService("a")
	stream.Protocol, stream.Routes = TCP, []Route{{Name: "a.r", Listen: []int{5672}, PreserveHost: true}}
	hosts := Route{Name: "a.r", Hosts: []string{"a.test"}, PreserveHost: true}
	web := declares(HTTP, hosts, "routes.r.hosts")
	merged, overruled := web.Over(stream)
	if r := merged.Routes[0]; len(r.Listen) != 0 || !slices.Equal(r.Hosts, hosts.Hosts) {
		t.Errorf("over a port: %+v", r)
	}
	if diff := cmp.Diff([]Overruled{{"protocol", "http", "tcp"}, {"routes.r.listen", "", "5672"}}, overruled); diff != "" {
		t.Error(diff)
	}
	web.Fields = []string{"routes.r.hosts"} // what it speaks labels say
	merged, overruled = web.Over(stream)
	if r := merged.Routes[0]; len(r.Listen) != 0 || r.Fits(merged.Protocol) {
		t.Errorf("a port is open for a host: %+v", r)
	}
	if diff := cmp.Diff([]Overruled{{"routes.r", "hosts=a.test", "listen=5672"}}, overruled); diff != "" {
		t.Error(diff)
	}
}

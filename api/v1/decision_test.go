package v1

import (
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
		written("hosts", "shop.test", 5), written("grace", "5m", 6), written("retries", "2", 7), written("plugins.key-auth", "true", 8),
	}, nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	labels, problems := Grammar{Prefix: "lockstep."}.Decode(Subject{Container: "web-1", Labels: map[string]string{
		"lockstep.enable": "true", "lockstep.service": "web", "lockstep.hosts": "other.test", "lockstep.grace": "1h", "lockstep.read_timeout": "9s",
		"lockstep.retries": "7", "lockstep.routes.admin.hosts": "admin.test", "lockstep.plugins.cors": "true",
	}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	base := labels.Services[0].Service
	base.Origin = Origin{Container: "web-1"}
	at := func(line int) Origin { return Origin{File: "m.yaml", Line: line, Column: 3} }
	label := func(key string) Origin { return Origin{Container: "web-1", Label: "lockstep." + key} }
	want := []Decision{
		{"grace", at(6), true},
		{"plugins.cors", label("plugins.cors"), false},
		{"plugins.key-auth", at(8), false},
		{"read_timeout", Origin{Container: "web-1"}, false},
		{"retries", at(7), true},
		{"routes.admin", label("routes.admin.hosts"), false},
		{"routes.default", at(5), true},
	}
	merged, differing := declared.Over(base)
	if diff := cmp.Diff(want, declared.Decisions(&base, &merged, differing)); diff != "" {
		t.Errorf("with labels (-want +got):\n%s", diff)
	}
	declared.Alone = true
	want = []Decision{{"grace", at(6), true}, {"plugins.key-auth", at(8), false}, {"retries", at(7), true}, {"routes.default", at(5), true}}
	merged, differing = declared.Over(base)
	if diff := cmp.Diff(want, declared.Decisions(&base, &merged, differing)); diff != "" {
		t.Errorf("without (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"grace", "plugins.cors", "read_timeout", "retries", "routes.admin", "routes.default"}, differing); diff != "" {
		t.Errorf("differing (-want +got):\n%s", diff)
	}
	if len(merged.Routes) != 1 || len(merged.Plugins) != 1 || merged.ReadTimeout != NewService("web").ReadTimeout {
		t.Errorf("labels have a say: %+v", merged)
	}
}

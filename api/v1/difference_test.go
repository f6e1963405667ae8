package v1

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

func TestDifferences(t *testing.T) {
	at := Origin{Container: "web-2", Label: "lockstep.hosts"}
	before, after := NewService("web"), NewService("web")
	before.Routes = []Route{
		{Name: "web.default", Hosts: []string{"a.test"}, PreserveHost: true, Origin: at},
		{Name: "web.old", Paths: []string{"/old"}, PreserveHost: true, Plugins: []Plugin{{Name: "cors", Enabled: true, Origin: at}}},
	}
	before.Plugins = []Plugin{{Name: "key-auth", Enabled: true}, {Name: "rate-limiting", Enabled: true, Settings: []Setting{
		{Path: "minute", Value: "60"}, {Path: "hour", Value: "600"}, {Path: "redis.password", Value: "hunter2", Secret: true},
	}}}
	after.ReadTimeout *= 2
	after.Balance, after.Optional = "leastconn", []string{"balance"}
	after.Routes = []Route{{Name: "web.default", Hosts: []string{"a.test", "b.test"}, PreserveHost: true, StripPath: true, Origin: at}}
	after.Plugins = []Plugin{{Name: "key-auth", Optional: true, InstanceName: "x"}, {Name: "rate-limiting", Enabled: true, Settings: []Setting{
		{Path: "minute", Value: "90"}, {Path: "policy", Value: "local"}, {Path: "redis.password", Value: "hunter3", Secret: true},
	}}}
	want := []Difference{
		{Field: "read_timeout", Before: "1m", After: "2m"},
		{Field: "balance", After: "leastconn (may be left out)"},
		{Field: "plugins.key-auth", Before: "on", After: "off, instance_name=x (may be left out)"},
		{Field: "plugins.rate-limiting.config.hour", Before: "…"},
		{Field: "plugins.rate-limiting.config.minute", Before: "…", After: "…"},
		{Field: "plugins.rate-limiting.config.policy", After: "…"},
		{Field: "routes.default.hosts", Before: "a.test", After: "a.test,b.test", Origin: at},
		{Field: "routes.default.strip_path", Before: "false", After: "true", Origin: at},
		{Field: "routes.old.paths", Before: "/old"},
		{Field: "routes.old.plugins.cors", Before: "on", Origin: at},
	}
	if diff := gocmp.Diff(want, Differences(&before, &after)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	added := []Difference{
		{Field: "plugins.key-auth", After: "on"}, {Field: "plugins.rate-limiting", After: "on"},
		{Field: "routes.default.hosts", After: "a.test", Origin: at}, {Field: "routes.old.paths", After: "/old"}, {Field: "routes.old.plugins.cors", After: "on", Origin: at},
	}
	if diff := gocmp.Diff(added, Differences(nil, &before)); diff != "" {
		t.Errorf("of a service that is new (-want +got):\n%s", diff)
	}
	if got := Differences(&before, nil); len(got) != len(added) || got[2].Before != "a.test" || got[2].After != "" {
		t.Errorf("of a service that is gone: %+v", got)
	}
}

// TestDifferencesTellAll: two declarations have none exactly when they ask for the
// same, whatever the labels.
func TestDifferencesTellAll(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	var before *Service
	equal, different := 0, 0
	for range 10_000 {
		labels := map[string]string{"lockstep.enable": "true", "lockstep.service": "web"}
		for range 1 + random.IntN(3) {
			if key, value := randomLabel(random, true, false); !strings.HasPrefix(key, "lockstep.service") {
				labels[key] = value
			}
		}
		d, problems := Grammar{Prefix: "lockstep."}.Decode(Subject{Container: "web-1", Labels: labels})
		if len(problems) > 0 || len(d.Services) != 1 {
			continue
		}
		after := &d.Services[0].Service
		if before != nil {
			one, err := json.Marshal(before.Unplaced())
			other, errOther := json.Marshal(after.Unplaced())
			if err != nil || errOther != nil {
				t.Fatal(err, errOther)
			}
			differences := Differences(before, after)
			if same := string(one) == string(other); same != (len(differences) == 0) {
				t.Fatalf("%s\nand\n%s\ndiffer in %+v", one, other, differences)
			} else if same {
				equal++
			} else {
				different++
			}
		}
		before = after
	}
	if equal < 100 || different < 1000 {
		t.Errorf("%d were equal and %d different: the test says little", equal, different)
	}
}

// TestSecretsOfToday: what is kept without secrets gets those of today, of the same
// place before those of another, and says which there are none of.
func TestSecretsOfToday(t *testing.T) {
	auth := func(values ...string) []Plugin {
		p := Plugin{Name: "ldap-auth", Enabled: true, Settings: []Setting{{Path: "host", Value: "ldap.test"}}}
		for i, value := range values {
			p.Settings = append(p.Settings, Setting{Path: string(rune('a' + i)), Value: value, Secret: true})
		}
		return []Plugin{p}
	}
	then := Service{Name: "web", Plugins: auth("old"), Routes: []Route{{Name: "web.default", Plugins: auth("old", "older")}, {Name: "web.other", Plugins: auth("old")}}}
	kept := then.WithoutSecrets()
	text, err := json.Marshal(kept)
	if err != nil || strings.Contains(string(text), "old") || then.Plugins[0].Settings[1].Value != "old" {
		t.Fatalf("kept is %s, %v", text, err)
	}
	today := Service{Name: "web", Plugins: auth("of the service"), Routes: []Route{{Name: "web.default", Plugins: auth("of the route", "too")}}}
	got, missing := kept.WithSecretsOf(today)
	want := Service{Name: "web", Plugins: auth("of the service"), Routes: []Route{
		{Name: "web.default", Plugins: auth("of the route", "too")}, {Name: "web.other", Plugins: auth("of the service")},
	}}
	if diff := gocmp.Diff(want, got); diff != "" || missing != nil {
		t.Errorf("missing %v (-want +got):\n%s", missing, diff)
	}
	today.Routes = nil
	if _, missing := kept.WithSecretsOf(today); !reflect.DeepEqual(missing, []string{"routes.default.plugins.ldap-auth.config.b"}) {
		t.Errorf("missing are %v", missing)
	}
	today.Plugins[0].Settings[1].Secret = false // a value that stands in a label is no secret of a manifest
	if _, missing := kept.WithSecretsOf(today); len(missing) != 4 {
		t.Errorf("missing are %v", missing)
	}
	if text, err := json.Marshal(kept); err != nil || strings.Contains(string(text), "of the") {
		t.Errorf("what was kept is changed: %s, %v", text, err)
	}
}

// TestRefuses: what flags let pass once is held against them as they are today.
func TestRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		plugin Plugin
		want   string
	}{
		"harmless":    {Plugin{Name: "rate-limiting", Settings: []Setting{{Path: "minute", Value: "60"}}}, ""},
		"a field":     {Plugin{Name: "rate-limiting", Settings: []Setting{{Path: "redis.host", Value: "evil.test"}}}, "may not set redis"},
		"code":        {Plugin{Name: "pre-function"}, "it runs code"},
		"a value":     {Plugin{Name: "request-transformer", Settings: []Setting{{Path: "add.headers", Value: "a:$(os.exit())"}}}, "$(…)"},
		"not of Kong": {Plugin{Name: "mine"}, "does not come with Kong"},
		"allowed":     {Plugin{Name: "post-function"}, ""},
	} {
		got := Grammar{AllowPlugins: []string{"post-function"}}.Refuses(&c.plugin)
		if (got == nil) != (c.want == "") || got != nil && (!strings.Contains(got.Message, c.want) || got.Reason != PolicyDenied || got.Fix == "") {
			t.Errorf("%s: %+v, want %q", name, got, c.want)
		}
	}
}

package v1

import (
	"reflect"
	"slices"
	"testing"
)

// TestOverKeepsWhatIsOptional: whoever says a field says whether it may be left out.
func TestOverKeepsWhatIsOptional(t *testing.T) {
	labels := NewService("a")
	labels.Optional = []string{"balance", "retries"}
	for name, c := range map[string]struct{ fields, optional, want []string }{
		"nothing said":    {nil, nil, []string{"balance", "retries"}},
		"taken back":      {[]string{"balance"}, nil, []string{"retries"}},
		"all taken back":  {[]string{"balance", "retries"}, nil, nil},
		"of the manifest": {[]string{"algorithm", "balance"}, []string{"algorithm"}, []string{"algorithm", "retries"}},
		"said by both":    {[]string{"balance"}, []string{"balance"}, []string{"balance", "retries"}},
	} {
		d := Declared{Service: NewService("a"), Fields: c.fields}
		d.Service.Optional = c.optional
		merged, _ := d.Over(labels)
		if !slices.Equal(merged.Optional, c.want) || (merged.Optional == nil) != (c.want == nil) {
			t.Errorf("%s: %q, want %q", name, merged.Optional, c.want)
		}
	}
	if !slices.Equal(labels.Optional, []string{"balance", "retries"}) {
		t.Errorf("the labels' own were changed: %q", labels.Optional)
	}
}

// TestPluginsOverLabels: what a manifest puts on all of a service, or on a route that
// labels make, no label takes away or changes; that it may not be left out is added. What is
// off takes the place of nothing on a route.
func TestPluginsOverLabels(t *testing.T) {
	at, label := Origin{File: "m.yaml", Line: 1, Column: 1}, Origin{Container: "a-1", Label: "x"}
	ours := func(name string, enabled, optional bool) Plugin {
		return Plugin{Name: name, Enabled: enabled, Optional: optional, Origin: at}
	}
	theirs := func(name string, enabled, optional bool) Plugin {
		return Plugin{Name: name, Enabled: enabled, Optional: optional, Origin: label}
	}
	limits := func(p Plugin, instance, minute string) []Plugin {
		p.InstanceName, p.Settings = instance, []Setting{{Path: "minute", Value: minute}}
		return []Plugin{p}
	}
	for name, c := range map[string]struct {
		service, onRoute, labels []Plugin
		want                     []Plugin // of the route
		differing                []string
	}{
		"on all of it":             {service: []Plugin{ours("key-auth", true, false)}, labels: []Plugin{theirs("cors", true, false), theirs("key-auth", false, false)}, want: []Plugin{theirs("cors", true, false)}, differing: []string{"routes.r.plugins.key-auth"}},
		"on the route":             {onRoute: []Plugin{ours("key-auth", true, false)}, labels: []Plugin{theirs("cors", true, false), theirs("key-auth", false, false)}, want: []Plugin{theirs("cors", true, false), ours("key-auth", true, false)}, differing: []string{"routes.r.plugins.key-auth"}},
		"on the route, alike":      {onRoute: []Plugin{ours("key-auth", true, false)}, labels: []Plugin{theirs("key-auth", true, false)}, want: []Plugin{ours("key-auth", true, false)}},
		"on both":                  {service: []Plugin{ours("key-auth", true, false)}, onRoute: []Plugin{ours("key-auth", true, true)}, want: []Plugin{ours("key-auth", true, true)}},
		"off for all of it":        {service: []Plugin{ours("key-auth", false, false)}, labels: []Plugin{theirs("key-auth", true, false)}, want: []Plugin{theirs("key-auth", true, false)}},
		"on all of it, alike":      {service: []Plugin{ours("key-auth", true, false)}, labels: []Plugin{theirs("key-auth", true, false)}},
		"may be left out":          {service: []Plugin{ours("key-auth", true, true)}, labels: []Plugin{theirs("key-auth", true, false)}, want: []Plugin{ours("key-auth", true, false)}},
		"may be left out, not off": {service: []Plugin{ours("key-auth", true, true)}, labels: []Plugin{theirs("key-auth", false, false)}, differing: []string{"routes.r.plugins.key-auth"}},
		"with other settings":      {service: limits(ours("rate-limiting", true, true), "all", "9"), labels: limits(theirs("rate-limiting", true, false), "", "900"), want: limits(ours("rate-limiting", true, false), "", "9"), differing: []string{"routes.r.plugins.rate-limiting"}},
		"both may be left out":     {service: []Plugin{ours("key-auth", true, true)}, labels: []Plugin{theirs("key-auth", true, true)}},
		"of a route that is not":   {labels: []Plugin{theirs("key-auth", true, true)}, want: []Plugin{theirs("key-auth", true, true)}},
		"none said, and none here": {want: nil},
	} {
		base := NewService("a")
		base.Routes = []Route{{Name: "a.r", Hosts: []string{"a.test"}, Plugins: c.labels}}
		d := Declared{Service: NewService("a"), Addition: true, OnRoutes: map[string][]Plugin{"a.gone": {ours("cors", true, false)}}}
		d.Service.Plugins = c.service
		if c.onRoute != nil {
			d.OnRoutes["a.r"] = c.onRoute
		}
		before := slices.Clone(c.labels)
		merged, overruled := d.Over(base)
		var differing []string
		for _, o := range overruled {
			differing = append(differing, o.Setting)
		}
		if len(merged.Routes) != 1 || len(c.want) != len(merged.Routes[0].Plugins) || !reflect.DeepEqual(append([]Plugin{}, c.want...), append([]Plugin{}, merged.Routes[0].Plugins...)) {
			t.Errorf("%s: the route has %+v, want %+v", name, merged.Routes, c.want)
		}
		if !slices.Equal(differing, c.differing) {
			t.Errorf("%s: %q differ, want %q", name, differing, c.differing)
		}
		for _, setting := range differing {
			if place := d.Place(setting); place != at {
				t.Errorf("%s: %s is set at %v", name, setting, place)
			}
		}
		if !reflect.DeepEqual(before, c.labels) || merged.Origin != base.Origin {
			t.Errorf("%s: the labels' own were changed", name)
		}
	}
}

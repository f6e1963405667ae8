package v1

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSelects(t *testing.T) {
	s := Selector{Labels: []SelectorLabel{{"app", "shop"}, {"tier", ""}}}
	for name, c := range map[string]struct {
		labels map[string]string
		want   bool
	}{
		"all":                  {map[string]string{"app": "shop", "tier": ""}, true},
		"and more":             {map[string]string{"app": "shop", "tier": "", "other": "1"}, true},
		"one is not there":     {map[string]string{"app": "shop"}, false},
		"another value":        {map[string]string{"app": "shop", "tier": "web"}, false},
		"another case":         {map[string]string{"App": "shop", "tier": ""}, false},
		"another case of both": {map[string]string{"app": "Shop", "tier": ""}, false},
		"nothing":              {nil, false},
	} {
		if got := s.Selects(c.labels); got != c.want {
			t.Errorf("%s: %t, want %t", name, got, c.want)
		}
	}
	if got := s.String(); got != "app=shop, tier=" {
		t.Errorf("it reads %q", got)
	}
}

// TestInstancesOfASelector: what a manifest says for all containers goes before what
// their labels say, field by field, also where it says the default.
func TestInstancesOfASelector(t *testing.T) {
	at := func(line int) Origin { return Origin{File: "m.yaml", Line: line, Column: 3} }
	written := func(key, value string, line int) Written {
		return Written{Key: key, Value: value, At: at(line), Values: []Origin{at(line)}}
	}
	selector := Selector{Labels: []SelectorLabel{{"app", "shop"}}, Origin: at(5)}
	declared, problems := DecodeService("web", at(3), []Written{
		written("hosts", "shop.test", 6), written("port", "8080", 7), written("weight", "100", 8), written("maxconn?", "5", 9),
	}, &selector)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	got := declared.Selector
	if diff := cmp.Diff([]string{"maxconn", "port", "weight"}, got.Fields); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]Origin{"port": at(7), "weight": at(8), "maxconn": at(9)}, got.Places); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
	if !slices.Equal(declared.Fields, []string{"routes.default.hosts"}) || len(declared.Service.Routes) != 1 || got.Origin != at(5) || len(selector.Fields) != 0 {
		t.Errorf("the service is %+v, the selector that was given %+v", declared, selector)
	}
	labelled, problems := Grammar{Prefix: "lockstep."}.Decode(Subject{Container: "web-1", Labels: map[string]string{
		"lockstep.enable": "true", "lockstep.service": "web", "lockstep.weight": "7", "lockstep.version": "v2", "lockstep.maxconn": "9", "lockstep.backup?": "true",
	}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	part := labelled.Services[0]
	over := got.Over(part)
	want := part
	want.Port, want.Weight, want.MaxConn, want.Optional = 8080, 100, 5, []string{"backup", "maxconn"}
	if diff := cmp.Diff(want, over); diff != "" {
		t.Errorf("over labels (-want +got):\n%s", diff)
	}
	if part.Weight != 7 || cmp.Diff([]string{"backup"}, part.Optional) != "" {
		t.Errorf("what the labels say was changed: %+v", part)
	}
	if diff := cmp.Diff(part, (&Selector{}).Over(part)); diff != "" {
		t.Errorf("nothing over labels (-want +got):\n%s", diff)
	}
	if alone := NewInstance("web"); alone.Weight != 100 || alone.Service.Name != "web" || len(alone.Service.Asks()) > 0 {
		t.Errorf("labels that say nothing ask for %+v", alone)
	}
}

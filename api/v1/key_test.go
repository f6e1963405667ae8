package v1

import (
	"slices"
	"testing"
)

func TestKeyOrder(t *testing.T) {
	keys := []Key{{KindService, "a"}, {KindRoute, "b"}, {KindRoute, "a"}, {KindInstance, "z"}}
	slices.SortFunc(keys, Key.Compare)
	want := []string{"instance/z", "route/a", "route/b", "service/a"}
	for i, key := range keys {
		if key.String() != want[i] {
			t.Errorf("key %d is %s, want %s", i, key, want[i])
		}
	}
}

func TestOriginString(t *testing.T) {
	for want, origin := range map[string]Origin{
		"": {},
		`container "web-1", label "lockstep.hosts"`:   {Container: "web-1", Label: "lockstep.hosts"},
		`container "a\x1b[31m", label "lockstep.a\n"`: {Container: "a\x1b[31m", Label: "lockstep.a\n"},
		"shop.yaml:3:5, commit 1a2b3c":                {File: "shop.yaml", Line: 3, Column: 5, Commit: "1a2b3c"},
	} {
		if got := origin.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if origin.IsZero() != (want == "") {
			t.Errorf("IsZero is %t for %q", origin.IsZero(), want)
		}
	}
}

func TestProblemError(t *testing.T) {
	p := Problem{Reason: InvalidLabel, Object: Key{KindInstance, "web-1"}, Message: "the value is empty"}
	if got, want := p.Error(), "instance/web-1: InvalidLabel: the value is empty"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	p.Origin, p.Fix = Origin{Container: "web-1", Label: "lockstep.port"}, "give it a value"
	if got, want := p.Error(), `container "web-1", label "lockstep.port": InvalidLabel: the value is empty; give it a value`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

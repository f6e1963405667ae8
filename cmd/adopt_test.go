package cmd

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep/lockstep/api/server"
	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// TestAdoptionsAreShown: what would be done, what is lost and what stays, and nothing
// that a terminal would act on.
func TestAdoptionsAreShown(t *testing.T) {
	list := []controller.Adopted{
		{
			Gateway: v1.Kong, Name: "kong:service/shop", ID: "1", Sentence: "service shop", Origin: v1.Origin{File: "a.yaml", Line: 3, Column: 1},
			Fields: []plan.Difference{{Name: "host", Before: "\x1b[2Jthere", After: "its upstream"}, {Name: "path", Before: "/old"}, {Name: "config"}},
			Stays:  []string{"route theirs"},
		},
		{Gateway: v1.Kong, Name: "kong:node/http://kong:8001", ID: "abc", Sentence: "replace all that it holds", Goes: []string{"consumer bob"}, Advice: "use --kong-base"},
		{Gateway: v1.Kong, Name: "kong:consumer/alice", ID: "2", Sentence: "consumer alice", Refused: "it has another owner"},
	}
	want := `~ adopt kong:service/shop (service shop, id 1)
    asked for at a.yaml:3:1
    host: \x1b[2Jthere → its upstream
    path: /old → (none)
    config: another value
    stays somebody else's: route theirs
~ adopt kong:node/http://kong:8001 (replace all that it holds, id abc)
    - lost: consumer bob
    use --kong-base
! kong:consumer/alice (consumer alice, id 2) stays as it is: it has another owner
`
	if diff := cmp.Diff(want, printed(t, func(p *printer) { printAdopted(p, "/adopt", list) })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"1", "abc"}, agreeable(list)); diff != "" {
		t.Errorf("what may be agreed to (-want +got):\n%s", diff)
	}
	list = list[:1]
	list[0].Done = true
	for path, want := range map[string]string{
		"/adopt":   "adopted kong:service/shop (service shop, id 1)\n    asked for at a.yaml:3:1\n",
		"/release": "given back kong:service/shop (service shop, id 1)\n    asked for at a.yaml:3:1\n",
	} {
		if diff := cmp.Diff(want, printed(t, func(p *printer) { printAdopted(p, path, list) })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

// TestRemovalsAreShown: each before it is done, and how many afterwards; what stays is a failure.
func TestRemovalsAreShown(t *testing.T) {
	list := []server.Pruned{
		{Gateway: v1.Kong, Removed: []server.Removal{
			{Object: v1.Key{Kind: "service", Name: "a"}, Sentence: "remove service a"},
			{Object: v1.Key{Kind: "service", Name: "b"}, Sentence: "remove service b", Refused: "it has a route; remove it"},
		}},
		{Gateway: v1.HAProxy, Removed: []server.Removal{}},
		{Gateway: "other", Error: "paused"},
	}
	for before, want := range map[bool]string{
		true:  "  - kong: remove service a\n  ! kong: remove service b: not done: it has a route; remove it\nhaproxy: nothing to remove\n",
		false: "  ! kong: remove service b: not done: it has a route; remove it\nkong: 1 object removed\nhaproxy: nothing to remove\n",
	} {
		if diff := cmp.Diff(want, printed(t, func(p *printer) { printPruned(p, list, before) })); diff != "" {
			t.Errorf("before %t (-want +got):\n%s", before, diff)
		}
	}
	if diff := cmp.Diff([]string{"service/a", "service/b"}, removable(list)); diff != "" {
		t.Errorf("what may be agreed to (-want +got):\n%s", diff)
	}
	if err := staysOf(list); err == nil || err.Error() != "kong: 1 object could not be removed\nother: paused" {
		t.Errorf("got %v", err)
	}
	if err := staysOf(list[1:2]); err != nil {
		t.Errorf("where nothing stays: %v", err)
	}
}

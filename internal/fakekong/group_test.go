package fakekong

import (
	"strings"
	"testing"
)

// TestGroups holds the answers about consumer groups, after the sources of Kong's paid
// edition, which was never recorded.
func TestGroups(t *testing.T) {
	k := start(t, Options{NoListen: true, Groups: true})
	for _, c := range []struct {
		method, path string
		body         any
		status       int
	}{
		{"GET", "/schemas/consumer_group_consumers", nil, 200},
		{"GET", "/consumer_group_consumers", nil, 404},
		{"POST", "/consumer_groups", object{"name": "gold"}, 201},
		{"GET", "/consumer_groups/gold/consumers", nil, 200},
		{"POST", "/consumer_groups/gold/consumers", object{}, 400},
		{"POST", "/consumer_groups/gold/consumers", object{"consumer": "alice"}, 404},
		{"PUT", "/consumers/alice", object{}, 200},
		{"POST", "/consumer_groups/silver/consumers", object{"consumer": "alice"}, 404},
		{"DELETE", "/consumer_groups/gold/consumers/alice", nil, 404},
		{"POST", "/consumer_groups/gold/consumers", object{"consumer": "alice"}, 201},
		{"POST", "/consumer_groups/gold/consumers", object{"consumer": "alice"}, 409},
		{"PUT", "/consumer_groups/gold/consumers/alice", object{}, 405},
		{"DELETE", "/consumer_groups/gold/consumers/bob", nil, 404},
		{"GET", "/consumer_groups/gold/consumers/alice", nil, 200},
		{"DELETE", "/consumers/alice", nil, 204},
		{"GET", "/consumer_groups/gold/consumers/alice", nil, 404},
		{"DELETE", "/consumer_groups/gold", nil, 204},
	} {
		if status, out := ask(t, k, c.method, c.path, c.body); status != c.status {
			t.Errorf("%s %s: %d %v, want %d", c.method, c.path, status, out, c.status)
		}
	}
	if w := k.World(); w != "" {
		t.Errorf("left over:\n%s", w)
	}
	ask(t, k, "POST", "/consumer_groups", object{"name": "gold"})
	if _, out := ask(t, k, "GET", "/consumer_groups/gold", nil); out["consumer_group"] == nil || out["name"] != nil {
		t.Errorf("a group stands within what else it has, but is %v", out)
	}
}

// TestGroupsScope holds which plugins may be on a group: one of a name, beside those on all
// else, none that is on a consumer too, and none where Kong has no groups.
func TestGroupsScope(t *testing.T) {
	k := start(t, Options{NoListen: true, Groups: true})
	ask(t, k, "PUT", "/consumers/alice", object{})
	ask(t, k, "POST", "/consumer_groups", object{"name": "gold"})
	_, alice := ask(t, k, "GET", "/consumers/alice", nil)
	_, found := ask(t, k, "GET", "/consumer_groups/gold", nil)
	group, is := found["consumer_group"].(object)
	if !is {
		t.Fatal(found)
	}
	limits := func(scope object) object {
		scope["name"], scope["config"] = "rate-limiting", object{"minute": 60.0}
		return scope
	}
	gold, consumer := object{"id": group["id"]}, object{"id": alice["id"]}
	for _, c := range []struct {
		name, path string
		body       object
		status     int
	}{
		{"global", "/plugins", limits(object{}), 201},
		{"of a group", "/plugins", limits(object{"consumer_group": gold}), 201},
		{"of the group again", "/consumer_groups/gold/plugins", limits(object{}), 409},
		{"of a consumer", "/plugins", limits(object{"consumer": consumer}), 201},
		{"of both", "/plugins", limits(object{"consumer": consumer, "consumer_group": gold}), 400},
		{"of a group that is not there", "/plugins", limits(object{"consumer_group": consumer}), 400},
	} {
		if status, out := ask(t, k, "POST", c.path, c.body); status != c.status {
			t.Errorf("%s: %d %v, want %d", c.name, status, out, c.status)
		}
	}
	ask(t, k, "DELETE", "/consumer_groups/gold", nil)
	if _, out := ask(t, k, "GET", "/plugins", nil); strings.Count(pretty(out), "rate-limiting") != 2 {
		t.Errorf("a group takes its plugins along, but there are %v", out)
	}
	free := start(t, Options{NoListen: true})
	if status, out := ask(t, free, "POST", "/plugins", limits(object{"consumer_group": gold})); status != 400 {
		t.Errorf("without groups: %d %v", status, out)
	}
}

// TestGroupsDeclared holds that a membership in a whole configuration has no id.
func TestGroupsDeclared(t *testing.T) {
	for name, c := range map[string]struct {
		member object
		status int
	}{
		"by names": {object{"consumer": "alice", "consumer_group": "gold"}, 201},
		"an id":    {object{"consumer": "alice", "consumer_group": "gold", "id": "11111111-1111-4111-8111-111111111111"}, 400},
		"tags":     {object{"consumer": "alice", "consumer_group": "gold", "tags": []any{"a"}}, 400},
		"dangling": {object{"consumer": "alice", "consumer_group": "silver"}, 400},
		"half":     {object{"consumer": "alice"}, 400},
	} {
		k := start(t, Options{Mode: DBLess, Groups: true})
		status, out := push(t, k, object{
			"_format_version": "3.0", "consumers": []any{object{"username": "alice"}}, "consumer_groups": []any{object{"name": "gold"}},
			"consumer_group_consumers": []any{c.member},
		})
		if status != c.status {
			t.Errorf("%s: %d %v", name, status, out)
		}
	}
}

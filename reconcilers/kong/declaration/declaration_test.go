package declaration

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/admin"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// world is an upstream with a target, and a consumer with a key.
func world(rows []*entity.Row) plan.State {
	state := plan.State{}
	add := func(kind v1.Kind, key string, parents map[string]string, body map[string]any, secrets ...string) {
		rec := &entity.Record{Row: entity.RowOf(rows, kind), Key: key, ID: "id-of-" + key, ParentKeys: parents, Body: body, Secrets: secrets}
		body["id"] = rec.ID
		for field, parent := range parents {
			body[field] = map[string]any{"id": "id-of-" + parent}
		}
		state[v1.Key{Kind: kind, Name: key}] = rec.Object(nil)
	}
	add(v1.KindUpstream, "web", nil, map[string]any{"name": "web", "hash_on_header": nil})
	add(v1.KindTarget, "web/a", map[string]string{"upstream": "web"}, map[string]any{"target": "10.0.0.1:80"})
	add(v1.KindConsumer, "alice", nil, map[string]any{"username": "alice"})
	add(v1.KindKeyAuth, "alice/key", map[string]string{"consumer": "alice"}, map[string]any{"key": "planted"}, "planted")
	return state
}

// TestRender: what lives within another stands in it, and the user's own stands before ours.
func TestRender(t *testing.T) {
	rows := entity.Table()
	beside, err := Parse(rows, []byte("_format_version: \"3.0\"\nupstreams: [{name: theirs}]\nfilter_chains: [{name: odd}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := Render(rows, world(rows), beside)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"_format_version":"3.0","consumers":[{"id":"id-of-alice","username":"alice"}],"filter_chains":[{"name":"odd"}],` +
		`"keyauth_credentials":[{"consumer":{"id":"id-of-alice"},"id":"id-of-alice/key","key":"planted"}],` +
		`"upstreams":[{"name":"theirs"},{"id":"id-of-web","name":"web","targets":[{"id":"id-of-web/a","target":"10.0.0.1:80"}]}]}`
	if diff := cmp.Diff(want, text); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	upstream := entity.RowOf(rows, v1.KindUpstream)
	if !beside.Has(upstream, map[string]any{"name": "theirs"}) || beside.Has(upstream, map[string]any{"name": "web"}) || !beside.Holds("filter-chains") {
		t.Error("the file does not know what it holds")
	}
	var none *Base
	if none.Has(upstream, map[string]any{"name": "theirs"}) || none.Holds("filter-chains") || none.Mark() != "" || len(none.Secrets()) > 0 {
		t.Error("no file holds something")
	}
}

// TestBlame: what Kong names is found by its id, or by its name, and no secret is repeated.
func TestBlame(t *testing.T) {
	rows := entity.Table()
	answer, err := json.Marshal(map[string]any{"flattened_errors": []any{
		map[string]any{"entity_type": "keyauth_credential", "entity_id": "id-of-alice/key", "errors": []any{map[string]any{"field": "key", "message": "planted is taken"}}},
		map[string]any{"entity_type": "upstream", "entity_name": "web", "errors": []any{map[string]any{"messages": []string{"no slots"}}}},
		map[string]any{"entity_type": "upstream", "entity_name": "theirs", "errors": []any{map[string]any{"field": "name", "message": "odd"}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	why := Blame(&admin.Refusal{Status: http.StatusBadRequest, Message: "declarative config is invalid: planted"}, answer, world(rows), nil)
	want := Refused{
		Message:   "declarative config is invalid: (secret)",
		Offenders: map[v1.Key]string{{Kind: v1.KindKeyAuth, Name: "alice/key"}: "key: (secret) is taken", {Kind: v1.KindUpstream, Name: "web"}: "no slots"},
		Others:    []string{"upstream theirs: name: odd"},
	}
	if diff := cmp.Diff(want, why); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, text := range []string{`{"flattened_errors": {}}`, `<html>`} {
		if why := Blame(&admin.Refusal{Message: "no"}, []byte(text), world(rows), nil); len(why.Offenders)+len(why.Others) > 0 || !strings.Contains(why.Message, "no") {
			t.Errorf("%s: %+v", text, why)
		}
	}
}

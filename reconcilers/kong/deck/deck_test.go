package deck

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// TestRender: what belongs to one other stands in it, what belongs to several names them, and
// what is secret, or a stranger's text that decK would read as a variable, does not stand there.
func TestRender(t *testing.T) {
	rows, state := entity.Table(), plan.State{}
	add := func(kind v1.Kind, key string, parents map[string]string, body map[string]any) {
		rec := &entity.Record{Row: entity.RowOf(rows, kind), Key: key, ID: "id-of-" + key, ParentKeys: parents, Body: body}
		for field, parent := range parents {
			body[field] = map[string]any{"id": "id-of-" + parent}
		}
		state[v1.Key{Kind: kind, Name: key}] = rec.Object(nil)
	}
	hidden := []any{entity.TagHidden + entity.Quoted("config.minute")}
	add(v1.KindService, "web", nil, map[string]any{"name": "web", "host": "up", "port": json.Number("80")})
	add(v1.KindRoute, "web.default", map[string]string{"service": "web"}, map[string]any{"name": "web.default", "paths": []any{"/${{ env \"HOME\" }}"}})
	add(v1.KindPlugin, "limit", map[string]string{"route": "web.default"}, map[string]any{
		"name": "rate-limiting", "tags": hidden, "config": map[string]any{"minute": json.Number("4711"), "policy": "local"},
	})
	add(v1.KindConsumer, "alice", nil, map[string]any{"username": "alice"})
	add(v1.KindKeyAuth, "alice/key", map[string]string{"consumer": "alice"}, map[string]any{"key": "planted"})
	add(v1.KindPlugin, "both", map[string]string{"service": "web", "consumer": "alice"}, map[string]any{"name": "cors"})
	add(v1.KindGroup, "gold", nil, map[string]any{"name": "gold"})
	add(v1.KindMember, "gold/alice", map[string]string{entity.FieldGroup: "gold", entity.FieldConsumer: "alice"}, map[string]any{})
	text, err := Render(rows, state, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := `_format_version: "3.0"
consumer_groups:
    - name: gold
consumers:
    - groups:
        - name: gold
      keyauth_credentials:
        - key: ${{ env "DECK_ALICE_KEY_KEY" }}
      username: alice
plugins:
    - consumer: alice
      name: cors
      service: web
services:
    - host: up
      name: web
      port: 80
      routes:
        - name: web.default
          paths:
            - /${{ "${{" }} env "HOME" }}
          plugins:
            - config:
                minute: ${{ env "DECK_LIMIT_CONFIG_MINUTE" }}
                policy: local
              name: rate-limiting
              tags:
                - lockstep-hidden:config.minute
`
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(string(text), "\n")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

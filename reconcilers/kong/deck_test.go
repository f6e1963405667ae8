package kong

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/fakekong"
	"github.com/lockstep/lockstep/manifests"
)

// read returns what a manifest declares that belongs to no service.
func read(t *testing.T, text string) v1.Shared {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "kong.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	w := manifests.New(manifests.Options{Folders: []string{dir}, Log: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(), Settle: time.Millisecond})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	loaded := make(chan struct{}, 1)
	ended := make(chan error, 1)
	go func() {
		ended <- w.Run(ctx, func() {
			select {
			case loaded <- struct{}{}:
			default:
			}
		})
	}()
	<-loaded
	if problems := w.State().Problems; len(problems) > 0 {
		t.Fatal(problems)
	}
	news := w.Take()
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	return *news.Shared
}

const nested = `
_format_version: "3.0"
_info:
  select_tags: [team]
  defaults:
    route: {preserve_host: true}
    service: {retries: 2}
services:
- name: shop
  url: https://shop.internal/base
  plugins:
  - {name: key-auth, config: {key_names: [apikey]}}
  routes:
  - name: public
    hosts: [shop.test]
    strip_path: false
    plugins:
    - name: rate-limiting
      config:
        minute: 60
        redis_port: ${{ env "DECK_PORT" }}
upstreams:
- name: up
  targets:
  - {target: 10.0.0.1, weight: 10}
consumers:
- username: alice
  keyauth_credentials:
  - key: ${{ env "DECK_KEY" }}
  acls:
  - group: staff
  plugins:
  - {name: rate-limiting, config: {minute: 5}}
plugins:
- {name: cors, protocols: [http]}
`

const flat = `
_format_version: "1.1"
services:
- {name: shop, host: shop.internal, protocol: https, port: 443, path: /base, retries: 2, tags: [team]}
routes:
- {name: public, service: shop, hosts: [shop.test], strip_path: false, preserve_host: true, tags: [team]}
upstreams:
- {name: up, tags: [team]}
targets:
- {target: "10.0.0.1:8000", weight: 10, upstream: {name: up}, tags: [team]}
consumers:
- {username: alice, tags: [team]}
keyauth_credentials:
- {key: "${{ env 'DECK_KEY' }}", consumer: alice, tags: [team]}
acls:
- {group: staff, consumer: alice, tags: [team]}
plugins:
- {name: key-auth, service: shop, config: {key_names: [apikey]}, tags: [team]}
- {name: rate-limiting, route: public, config: {minute: 60, redis: {port: 6380}}, tags: [team]}
- {name: rate-limiting, consumer: {username: alice}, config: {minute: 5}, tags: [team]}
- {name: cors, protocols: [http], tags: [team]}
`

// TestDeckFileConverges: a decK file, nested or flat, becomes what its entities mean
// to Kong itself, beside our tags and ids.
func TestDeckFileConverges(t *testing.T) {
	t.Setenv("DECK_KEY", "a-key")
	t.Setenv("DECK_PORT", "6380")
	expected := start(t, fakekong.Options{})
	for _, call := range []struct{ path, body string }{
		{"/services", `{"name":"shop","url":"https://shop.internal/base","retries":2}`},
		{"/services/shop/routes", `{"name":"public","hosts":["shop.test"],"strip_path":false,"preserve_host":true}`},
		{"/services/shop/plugins", `{"name":"key-auth","config":{"key_names":["apikey"]}}`},
		{"/routes/public/plugins", `{"name":"rate-limiting","config":{"minute":60,"redis":{"port":6380}}}`},
		{"/upstreams", `{"name":"up"}`},
		{"/upstreams/up/targets", `{"target":"10.0.0.1","weight":10}`},
		{"/consumers", `{"username":"alice"}`},
		{"/consumers/alice/key-auth", `{"key":"a-key"}`},
		{"/consumers/alice/acls", `{"group":"staff"}`},
		{"/consumers/alice/plugins", `{"name":"rate-limiting","config":{"minute":5}}`},
		{"/plugins", `{"name":"cors","protocols":["http"]}`},
		// What belongs to no manifest: the writer's mark, and what answers 503.
		{"/upstreams", `{"name":"lockstep-unavailable"}`},
		{"/services", `{"name":"lockstep-unavailable","host":"lockstep-unavailable"}`},
	} {
		must(t, http.MethodPost, expected.AdminURL+call.path, call.body)
	}
	want := expected.World("id", "tags")
	finish(t, expected)
	for name, text := range map[string]string{"nested": nested, "flat": flat} {
		shared := read(t, text)
		t.Run(name, func(t *testing.T) {
			modes(t, func(t *testing.T, _ fakekong.Mode, k *fakekong.Kong, o Options) {
				t.Helper()
				r := open(t, o)
				if p, problems := declare(t, r, v1.Set{}, shared); len(problems) > 0 {
					t.Fatal(problems, sentences(p))
				}
				if diff := cmp.Diff(want, k.World("id", "tags")); diff != "" {
					t.Errorf("(-Kong +ours):\n%s", diff)
				}
				if p, _ := declare(t, open(t, o), v1.Set{}, shared); !p.Empty() {
					t.Errorf("again: %s", sentences(p))
				}
				tagged := must(t, http.MethodGet, k.AdminURL+"/tags/team", "")
				for _, kind := range []string{"services", "routes", "upstreams", "targets", "consumers", "keyauth_credentials", "acls", "plugins"} {
					if !jsonHas(tagged, kind) {
						t.Errorf("no %s bears the file's tag: %s", kind, tagged)
					}
				}
			})
		})
	}
}

func jsonHas(text, kind string) bool { return strings.Contains(text, `"entity_name":"`+kind+`"`) }

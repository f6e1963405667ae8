package kong

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/lockstep/lockstep/internal/fakekong"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/reconcilertest"
)

func TestConformanceWithDatabase(t *testing.T) {
	t.Parallel()
	reconcilertest.Run(t, harness(fakekong.Database))
}

// TestConformanceWithoutDatabase takes one long walk: each event pushes everything, and other
// fleets walk there in TestConformanceOfNodes and TestConformanceProven.
func TestConformanceWithoutDatabase(t *testing.T) {
	t.Parallel()
	h := harness(fakekong.DBLess)
	h.Seeds = []uint64{3}
	reconcilertest.Run(t, h)
}

// TestWalksWithStrangers: what strangers take is adopted along the way, with whatever
// id it has then; but for these the world is the same as without any stranger.
func TestWalksWithStrangers(t *testing.T) {
	t.Parallel()
	h := harness(fakekong.Database)
	h.Seeds, h.Events = []uint64{1, 2, 3}, 120
	made := h.New
	h.New = func(tb testing.TB) *reconcilertest.Gateway {
		tb.Helper()
		k := start(tb, fakekong.Options{})
		g := made(tb)
		g.Open = func() (reconcilers.Reconciler, error) { return New(options(k.AdminURL)) }
		g.Plant, g.Strangers = nil, nil
		ids := regexp.MustCompile(`,"lockstep-(adopted|secret):[^"]*"|"lockstep-(adopted|secret):[^"]*",`) // digests are bound to ids, as passwords are
		g.World = func() string { return ids.ReplaceAllString(k.World("id", "password"), "") }
		g.Writes = k.Writes
		g.Break = func(after int) {
			var calls atomic.Int64
			k.Hook(func(*http.Request) fakekong.Fault { return broken(int(calls.Add(1)) - after) })
		}
		g.Heal = func() { k.Hook(nil) }
		g.Estrange = func(pick func(int) int) (string, error) { return estrange(k.AdminURL, pick) }
		return g
	}
	reconcilertest.Walk(t, h)
}

// estrange takes our tags off some entity, or makes it anew with another id.
func estrange(url string, pick func(n int) int) (string, error) {
	kinds := []string{"/services", "/routes", "/upstreams", "/consumers", "/plugins"}
	path := kinds[pick(len(kinds))]
	text, err := ask(http.MethodGet, url+path+"?size=1000&tags=lockstep-owner:lockstep", "")
	if err != nil {
		return "", err
	}
	bodies, err := listed(text)
	if err != nil || len(bodies) == 0 {
		return "nobody takes any of " + path, err
	}
	slices.SortFunc(bodies, func(a, b map[string]any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	body := bodies[pick(len(bodies))]
	at := url + path + "/" + fmt.Sprint(body["id"])
	if path == "/services" || path == "/upstreams" || pick(2) == 0 { // these hold others
		_, err := ask(http.MethodPatch, at, `{"tags":["theirs"]}`)
		return "somebody takes the tags off " + at, err
	}
	for _, field := range []string{"id", "tags", "created_at", "updated_at"} {
		delete(body, field)
	}
	again, err := json.Marshal(body)
	if err != nil {
		return "", err
	}
	if _, err := ask(http.MethodDelete, at, ""); err != nil {
		return "", err
	}
	_, err = ask(http.MethodPost, url+path, string(again))
	return "somebody makes " + at + " anew", err
}

package kong

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/fakekong"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
)

// watchman looks at all that Kong holds after each request, and finds routes that
// lead to their service without a plugin that their host names.
type watchman struct {
	http.RoundTripper
	url   string
	mu    sync.Mutex
	found []string
	live  int
}

func (w *watchman) RoundTrip(req *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	response, err := w.RoundTripper.RoundTrip(req)
	if req.Method != http.MethodGet {
		w.look(req.Method + " " + req.URL.Path)
	}
	return response, err
}

func (w *watchman) list(path string) []map[string]any {
	response, err := http.Get(w.url + path + "?size=1000")
	if err != nil {
		w.found = append(w.found, err.Error())
		return nil
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		w.found = append(w.found, err.Error())
		return nil
	}
	bodies, err := listed(string(text))
	if err != nil {
		w.found = append(w.found, fmt.Sprint(path, " ", err, " ", string(text)))
	}
	return bodies
}

func (w *watchman) look(after string) {
	on := map[string]bool{}
	for _, p := range w.list("/plugins") {
		if p["enabled"] == true {
			on[entity.Reference(p, "route")+entity.Reference(p, "service")+fmt.Sprint(p["name"])] = true
		}
	}
	away := entity.Namer{Owner: "lockstep"}.ID(v1.KindService, entity.Reserved)
	for _, route := range w.list("/routes") {
		if entity.Reference(route, "service") == away {
			continue
		}
		w.live++
		hosts, _ := route["hosts"].([]any)
		for _, name := range strings.Split(fmt.Sprint(hosts[0]), ".")[1:] {
			id, _ := route["id"].(string)
			if name != "test" && !on[id+name] && !on[entity.Reference(route, "service")+name] {
				w.found = append(w.found, fmt.Sprintf("after %s the route %v is open without %s", after, hosts, name))
			}
		}
	}
}

// watched is a reconciler each of whose requests is looked after.
func watched(t *testing.T, k *fakekong.Kong) (*Reconciler, *watchman) {
	t.Helper()
	w := &watchman{RoundTripper: http.DefaultTransport, url: k.AdminURL}
	o := options(k.AdminURL)
	o.Transport, o.MarkAge = w, 1
	t.Cleanup(func() {
		for _, found := range w.found {
			t.Error(found)
		}
	})
	return open(t, o), w
}

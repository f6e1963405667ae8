package haproxy

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
)

// picking adds to the bench what is derived for the version v2 of a service: its own
// backend, and the routes by which requests pick it.
func (b *bench) picking(service string, endpoints ...v1.Endpoint) {
	base := b.set[service]
	picked := *base
	picked.Name, picked.Endpoints, picked.Routes = v1.VersionService(service, "v2"), endpoints, nil
	for _, by := range []v1.Route{
		{Name: "-H", Headers: map[string][]string{"x-version": {"v2"}}},
		{Name: "-C", Cookies: map[string][]string{"ver": {"v2"}}},
		{Name: "-HC", Headers: map[string][]string{"x-version": {"v2"}}, Cookies: map[string][]string{"ver": nil}},
	} {
		by.Name = picked.Name + ".default" + by.Name
		by.Hosts, by.PreserveHost = base.Routes[0].Hosts, true
		picked.Routes = append(picked.Routes, by)
	}
	b.set[picked.Name] = &picked
}

// rolling is serve with the timeouts by default, for which backends are prepared.
func (b *bench) rolling(name string, endpoints ...v1.Endpoint) {
	s := b.serve(name, endpoints...)
	s.ConnectTimeout, s.ReadTimeout, s.WriteTimeout = 5*time.Second, time.Minute, time.Minute
}

// TestRollout lets 1,000 requests go to a canary of 10 %: HAProxy deals in turns, so
// that the shares are exact to a turn. A header or a cookie picks the canary, and
// nothing of it needs a reload.
func TestRollout(t *testing.T) {
	b := managed(t)
	one, two, canary := origin(t, "v1-one"), origin(t, "v1-two"), origin(t, "v2-one")
	b.rolling("shop", one, two)
	b.sync()
	before := b.reloads()

	one.Weight, two.Weight, canary.Weight = 252, 252, 56
	b.rolling("shop", one, two, canary)
	canary.Weight = 100
	b.picking("shop", canary)
	b.sync()
	got := map[string]int{}
	for range 1000 {
		got[b.version(nil)]++
	}
	if got["v2"] < 99 || got["v2"] > 101 || got["v1"]+got["v2"] != 1000 {
		t.Errorf("of 1000 requests the versions got %v", got)
	}
	for _, c := range []struct {
		header map[string]string
		want   string
	}{
		{map[string]string{"X-Version": "v2"}, "v2"},
		{map[string]string{"x-version": "V2"}, "v2"},
		{map[string]string{"Cookie": "ver=v2"}, "v2"},
		{map[string]string{"Cookie": "a=b; ver=v2; c=d"}, "v2"},
		{map[string]string{"Cookie": "a=b;ver=v2"}, "v2"},
		{map[string]string{"X-Version": "v2", "Cookie": "ver=v1"}, "v2"},
		{map[string]string{"X-Version": "v22"}, ""},
		{map[string]string{"Cookie": "ver=v22"}, ""},
		{map[string]string{"Cookie": "over=v2; ver=x"}, ""},
		{map[string]string{"Cookie": "a=ver=v2"}, ""},
		{map[string]string{"Other": "ver=v2"}, ""},
	} {
		picked := map[string]int{}
		for range 20 {
			picked[b.version(c.header)]++
		}
		if c.want != "" && picked[c.want] != 20 || c.want == "" && picked["v1"] < 17 {
			t.Errorf("%v went to %v", c.header, picked)
		}
	}

	if n := b.reloads(); n != before {
		t.Errorf("it took %d reloads", n-before)
	}

	// All of it reads back as it was written, also after a restart.
	b.restart()
	if p := b.plan(reconcilers.Scope{Fresh: true}); !p.Empty() {
		t.Errorf("after a restart of the daemon: %s", sentences(p))
	}

	// Everything to v2, then v1 is gone.
	one.Weight, two.Weight = 0, 0
	b.rolling("shop", one, two, canary)
	b.sync("shop")
	for range 20 {
		if version := b.version(nil); version != "v2" {
			t.Fatalf("at 100%% a request went to %s", version)
		}
	}
	b.rolling("shop", canary)
	b.sync("shop")
	delete(b.set, v1.VersionService("shop", "v2"))
	b.sync(v1.VersionService("shop", "v2"))
	if version := b.version(map[string]string{"X-Version": "v2"}); version != "v2" {
		t.Errorf("at the end a request went to %q", version)
	}
	if n := b.reloads(); n != 0 {
		t.Errorf("%d reloads since the restart of the daemon", n)
	}
}

// version asks for shop.test and returns the version that answered.
func (b *bench) version(header map[string]string) string {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.url+"/", nil)
	if err != nil {
		b.t.Fatal(err)
	}
	request.Host = "shop.test"
	for name, value := range header {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		b.t.Fatalf("%d %q, %v", response.StatusCode, body, err)
	}
	version, _, _ := strings.Cut(string(body), "-")
	return version
}

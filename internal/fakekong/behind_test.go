package fakekong

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestBehind: what is made through the stand-in on a real Kong, here another stand-in,
// is shown as it was asked for, meets nothing of what is there, and goes alone.
func TestBehind(t *testing.T) {
	const id = "5c000000-0000-4000-8000-000000000001"
	there := start(t, Options{})
	tell := func(method, url, body string, want int) string {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != want {
			t.Fatalf("%s %s: %s %s, %v", method, url, response.Status, text, err)
		}
		return string(text)
	}
	fill := func(url string) {
		tell(http.MethodPost, url+"/upstreams", `{"id":"`+id+`","name":"a.lockstep"}`, 201)
		tell(http.MethodPost, url+"/upstreams/"+id+"/targets", `{"target":"10.0.0.1:80"}`, 201)
		tell(http.MethodPut, url+"/services/lockstep-x", `{"host":"a.lockstep","tags":["lockstep-owner:lockstep"]}`, 200)
	}
	fill(there.AdminURL)
	theirs := there.World()

	k := start(t, Options{AdminOf: there.AdminURL + "/", Apart: true, ProxyOf: "http://proxy.test"})
	if k.Mode() != Database || k.ProxyURL != "http://proxy.test" || k.World() != "" {
		t.Errorf("it is %q at %q and holds %q", k.Mode(), k.ProxyURL, k.World())
	}
	fill(k.AdminURL)
	if diff := cmp.Diff(stripped(theirs), stripped(k.World())); diff != "" {
		t.Errorf("what is shown of ours (-as it stands alone +shown):\n%s", diff)
	}
	if !strings.Contains(tell(http.MethodGet, k.AdminURL+"/upstreams/a.lockstep", "", 200), id) {
		t.Error("the id is not as it was given")
	}
	tell(http.MethodPost, k.AdminURL+"/upstreams", `{"id":"`+id+`","name":"b"}`, 400)
	if n := k.Writes(); n != 4 || len(k.Requests()) != 5 {
		t.Errorf("%d writes of %d requests are counted", n, len(k.Requests()))
	}
	k.FailNext(Writing, Fault{Status: 503})
	tell(http.MethodPost, k.AdminURL+"/consumers", `{"username":"alice"}`, 503)
	k.FailNext(Writing, Fault{Cut: CutAfter})
	if response, err := http.Post(k.AdminURL+"/consumers", "application/json", strings.NewReader(`{"username":"bob"}`)); err == nil {
		_, err = io.ReadAll(response.Body)
		if response.Body.Close(); err == nil {
			t.Error("the answer does not break off")
		}
	}
	if world := k.World(); strings.Contains(world, "alice") || !strings.Contains(world, "consumer bob") {
		t.Errorf("after faults there is:\n%s", world)
	}
	if err := k.Clear(); err != nil || k.World() != "" {
		t.Errorf("after clearing away: %v\n%s", err, k.World())
	}
	if diff := cmp.Diff(theirs, there.World()); diff != "" {
		t.Errorf("what was there before (-before +after):\n%s", diff)
	}
	if _, err := New(Options{AdminOf: "nowhere"}); err == nil {
		t.Error("an address that is none is taken")
	}
}

// stripped leaves out the ids of what got none of its own.
func stripped(world string) string {
	var out []string
	for line := range strings.Lines(world) {
		if !strings.HasPrefix(line, "  id:") {
			out = append(out, line)
		}
	}
	return strings.Join(out, "")
}

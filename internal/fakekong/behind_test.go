package fakekong

import (
	"encoding/json"
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

	k := start(t, Options{AdminOf: there.AdminURL + "/", Apart: true, ProxyOf: there.ProxyURL})
	if k.Mode() != Database || k.ProxyURL == there.ProxyURL || k.World() != "" {
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
	for _, o := range []Options{{AdminOf: "nowhere"}, {AdminOf: there.AdminURL, ProxyOf: "nowhere"}, {AdminOf: there.ProxyURL}} {
		if _, err := New(o); err == nil {
			t.Errorf("what is no address of a Kong is taken: %+v", o)
		}
	}
}

// TestPassage: what is made through the stand-in is asked for through it too, in the same
// words, and what is asked as the real Kong spells it is not there.
func TestPassage(t *testing.T) {
	there := start(t, Options{})
	k := start(t, Options{AdminOf: there.AdminURL, Apart: true, ProxyOf: there.ProxyURL})
	must(t, k, "PUT", "/routes/lockstep-proof", json.RawMessage(`{"hosts":["proof.lockstep"],"paths":["/lockstep"],"headers":{"x-lockstep":["lockstep"]}}`))
	must(t, k, "POST", "/plugins", json.RawMessage(`{"name":"request-termination","route":{"name":"lockstep-proof"},"config":{"status_code":418,"echo":true,"message":"of lockstep"}}`))
	get := func(url, host string) (int, string, http.Header) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/lockstep?is=lockstep", strings.NewReader("lockstep's"))
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		req.Header.Set("X-Lockstep", "lockstep")
		response, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(text), response.Header
	}
	status, text, header := get(k.ProxyURL, "proof.lockstep")
	for _, want := range []string{`"message":"of lockstep"`, `"host":"proof.lockstep"`, `"is":"lockstep"`, `"x-lockstep":"lockstep"`, `"raw_body":"lockstep's"`, `"name":"lockstep-proof"`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in the answer %d %s", want, status, text)
		}
	}
	if status != http.StatusTeapot || header.Get("Server") != "kong/3.9.1" {
		t.Errorf("it answers %d with %v", status, header)
	}
	if status, _, _ := get(there.ProxyURL, "proof.lockstep"); status != http.StatusNotFound {
		t.Errorf("the real Kong answers %d to what it knows by other words", status)
	}
	there.Stop()
	if response, err := http.Get(k.ProxyURL); err == nil {
		response.Body.Close()
		t.Errorf("of a Kong that is gone it answers %d", response.StatusCode)
	}
}

// TestLacks: a real Kong is told apart by what nobody can give it.
func TestLacks(t *testing.T) {
	ports := []StreamListener{{Port: 5672}, {Port: 9443, TLS: true}}
	for name, c := range map[string]struct{ is, want, other Options }{
		"mode":   {Options{Mode: DBLess}, Options{Mode: DBLess}, Options{}},
		"groups": {Options{}, Options{}, Options{Groups: true}},
		"ports":  {Options{Stream: ports}, Options{Stream: ports}, Options{Stream: ports[:1]}},
		"none":   {Options{Stream: ports}, Options{}, Options{Stream: []StreamListener{}}},
		"delays": {Options{Groups: true}, Options{Groups: true}, Options{RouteDelay: 1}},
	} {
		there := start(t, c.is)
		k := start(t, Options{AdminOf: there.AdminURL})
		if lacks := k.Lacks(c.want); lacks != "" || k.Lacks(c.other) == "" {
			t.Errorf("%s: it lacks %q of what it is, and %q of what it is not", name, lacks, k.Lacks(c.other))
		}
		if there.Lacks(c.other) != "" {
			t.Errorf("%s: the stand-in itself lacks something", name)
		}
	}
}

// TestBehindGroups: who is in a group that was made through the stand-in is shown, and goes with it.
func TestBehindGroups(t *testing.T) {
	there := start(t, Options{Groups: true})
	must(t, there, "POST", "/consumer_groups", json.RawMessage(`{"name":"silver"}`))
	must(t, there, "POST", "/consumers", json.RawMessage(`{"username":"bob"}`))
	must(t, there, "POST", "/consumer_groups/silver/consumers", json.RawMessage(`{"consumer":"bob"}`))
	before := there.World()
	k := start(t, Options{AdminOf: there.AdminURL, Apart: true})
	must(t, k, "POST", "/consumer_groups", json.RawMessage(`{"name":"gold"}`))
	must(t, k, "POST", "/consumers", json.RawMessage(`{"username":"alice"}`))
	must(t, k, "POST", "/consumer_groups/gold/consumers", json.RawMessage(`{"consumer":"alice"}`))
	if world := k.World(); !strings.Contains(world, "consumer_group_consumer consumer_group gold, consumer alice") || strings.Contains(world, "bob") {
		t.Errorf("it shows:\n%s", world)
	}
	if err := k.Clear(); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(before, there.World()); diff != "" {
		t.Errorf("what was there before (-before +after):\n%s", diff)
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

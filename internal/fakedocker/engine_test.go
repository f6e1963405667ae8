package fakedocker

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func serve(t *testing.T) (*Engine, string) {
	t.Helper()
	e := New(t)
	return e, "http://" + strings.TrimPrefix(e.Listen(), "tcp://")
}

func get(t *testing.T, u string) (int, string) {
	t.Helper()
	answer, err := http.Get(u)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// names returns the containers that a list with these filters shows, sorted.
func names(t *testing.T, base, filters string) []string {
	t.Helper()
	status, body := get(t, base+"/v1.41/containers/json?filters="+url.QueryEscape(filters))
	var all []struct{ Names []string }
	if err := json.Unmarshal([]byte(body), &all); status != http.StatusOK || err != nil {
		t.Fatalf("list: %d %s", status, body)
	}
	got := []string{}
	for _, c := range all {
		got = append(got, strings.TrimPrefix(c.Names[len(c.Names)-1], "/"))
	}
	slices.Sort(got)
	return got
}

func TestListFilters(t *testing.T) {
	e, base := serve(t)
	e.AddNetwork(Network{Name: "shop"})
	e.Run(Spec{Name: "a", Labels: map[string]string{"x": "1"}, Network: "shop"})
	e.Run(Spec{Name: "ab", Labels: map[string]string{"x": "2"}, Expose: []string{"80"}, Publish: map[string]string{"80/tcp": "0.0.0.0:8080"}})
	e.Run(Spec{Name: "p"})
	e.Pause("p")
	e.Run(Spec{Name: "gone"})
	e.Kill("gone", 9)
	for filters, want := range map[string][]string{
		``:                               {"a", "ab", "p"},
		`{"label":{"x":true}}`:           {"a", "ab"},
		`{"label":["x=2"]}`:              {"ab"},
		`{"name":{"^/?a$":true}}`:        {"a"},
		`{"network":{"shop":true}}`:      {"a"},
		`{"publish":{"8080/tcp":true}}`:  {"ab"},
		`{"publish":{"80/tcp":true}}`:    {},
		`{"status":{"exited":true}}`:     {"gone"},
		`{"status":{"paused":true}}`:     {"p"},
		`{"label":{"x":true,"y":false}}`: {"a", "ab"},
	} {
		if got := names(t, base, filters); !slices.Equal(got, want) {
			t.Errorf("filters %s: %v, want %v", filters, got, want)
		}
	}
}

// TestStrict sends what a read-only client must not, or what no Engine of this
// version would take.
func TestStrict(t *testing.T) {
	e, base := serve(t)
	e.Run(Spec{Name: "a"})
	for _, r := range []struct{ method, path string }{
		{"POST", "/v1.41/containers/a/stop"}, {"DELETE", "/v1.41/containers/a"}, {"GET", "/v1.41/containers/a/logs"},
		{"GET", "/v1.41/images/json"}, {"POST", "/_ping"}, {"GET", "/v1.41/containers/a/../json"}, {"HEAD", "/v1.41/containers/json"},
	} {
		q, err := http.NewRequest(r.method, base+r.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s %s = %d, want 405", r.method, r.path, answer.StatusCode)
		}
	}
	if v := e.Violations(); len(v) != 7 {
		t.Errorf("violations: %v", v)
	}
	for path, want := range map[string]int{
		"/v1.42/containers/json":                        http.StatusBadRequest,
		"/v1.41/containers/json?size=1":                 http.StatusBadRequest,
		"/v1.41/containers/json?filters={%22no%22:[1]}": http.StatusBadRequest,
		"/v1.41/containers/b/json":                      http.StatusNotFound,
		"/v1.41/events?since=x":                         http.StatusBadRequest,
		"/_ping":                                        http.StatusOK,
	} {
		if got, body := get(t, base+path); got != want {
			t.Errorf("GET %s = %d %s, want %d", path, got, body, want)
		}
	}
}

// TestEvents reads a stream: what is remembered since a moment, then what happens.
func TestEvents(t *testing.T) {
	e, base := serve(t)
	for range 300 {
		e.Run(Spec{})
	}
	e.Run(Spec{Name: "a"})
	answer, err := http.Get(base + "/v1.41/events?since=1.5&filters=" + url.QueryEscape(`{"event":["start","kill"]}`))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	read := func() event {
		t.Helper()
		if !lines.Scan() {
			t.Fatalf("the stream ended: %v", lines.Err())
		}
		var ev event
		if err := json.Unmarshal(lines.Bytes(), &ev); err != nil {
			t.Fatal(err)
		}
		return ev
	}
	// 256 events are remembered; of the three of each container one is asked for.
	told := 1
	for last := read(); last.Actor.Attributes["name"] != "a"; last = read() {
		told++
	}
	if told != 86 && told != 85 {
		t.Errorf("%d events told again, want a third of %d", told, remembered)
	}
	e.LoseEvents(1)
	e.Kill("a", 1)
	e.Kill("a", 2)
	if got := read(); got.Actor.Attributes["signal"] != "2" {
		t.Errorf("got %+v; the first kill is lost", got)
	}
	e.DropStreams()
	if lines.Scan() {
		t.Errorf("the stream goes on: %s", lines.Text())
	}
}

// TestHold keeps an answer back: it tells what was true when it was asked for.
func TestHold(t *testing.T) {
	e, base := serve(t)
	e.Run(Spec{Name: "a"})
	kept, release := e.Hold(Inspect)
	status := make(chan int, 1)
	go func() {
		answer, err := http.Get(base + "/v1.41/containers/a/json")
		if err != nil {
			t.Error(err)
			status <- 0
			return
		}
		status <- answer.StatusCode
		answer.Body.Close()
	}()
	<-kept
	e.Remove("a")
	release()
	if got := <-status; got != http.StatusOK {
		t.Errorf("inspect = %d; the container was there when it was asked for", got)
	}
	if got, _ := get(t, base+"/v1.41/containers/a/json"); got != http.StatusNotFound {
		t.Errorf("afterwards inspect = %d", got)
	}
}

// TestFaults asks an Engine with which something is wrong.
func TestFaults(t *testing.T) {
	e, base := serve(t)
	e.Run(Spec{Name: "a"})
	e.Fail(Inspect, 1, http.StatusInternalServerError)
	for _, want := range []int{http.StatusInternalServerError, http.StatusOK} {
		if got, _ := get(t, base+"/v1.41/containers/a/json"); got != want {
			t.Errorf("inspect = %d, want %d", got, want)
		}
	}
	e.CutLists(1)
	answer, err := http.Get(base + "/v1.41/containers/json")
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(answer.Body); err == nil {
		t.Errorf("the list is not cut: %s", body)
	}
	answer.Body.Close()
	e.Hang()
	hurry := http.Client{Timeout: 20 * time.Millisecond}
	if answer, err := hurry.Get(base + "/_ping"); err == nil {
		answer.Body.Close()
		t.Error("a hanging Engine answers")
	}
	e.Wake()
	if got, _ := get(t, base+"/_ping"); got != http.StatusOK {
		t.Errorf("ping = %d", got)
	}
	e.FreezeList()
	e.Remove("a")
	if got := names(t, base, ""); !slices.Equal(got, []string{"a"}) {
		t.Errorf("a frozen list shows %v", got)
	}
	e.ThawList()
	if got := names(t, base, ""); len(got) > 0 {
		t.Errorf("the list shows %v", got)
	}
	if r := e.Requests(); r[Inspect] != 2 || r[List] != 3 {
		t.Errorf("requests: %v", r)
	}
}

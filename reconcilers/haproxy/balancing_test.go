package haproxy

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// ask sends one request over a connection of its own and returns which origin
// answered; "503" and the like when none did.
func (b *bench) ask(host, path string, client int, change func(*http.Request)) string {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.url+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	request.Host, request.Close = host, true
	if change != nil {
		change(request)
	}
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(client+2))}}
	transport := &http.Transport{DialContext: dialer.DialContext}
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	return bodyName(b.t, response)
}

// bodyName returns the name that an answer begins with, or its status when it is no good.
func bodyName(tb testing.TB, response *http.Response) string {
	tb.Helper()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		tb.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Sprint(response.StatusCode)
	}
	name, _, _ := strings.Cut(string(body), " ")
	return name
}

// clients is how many the hashes are tried with.
const clients = 40

// spread asks once for each client and returns who answered whom.
func (b *bench) spread(host string, as func(*http.Request, int)) map[int]string {
	b.t.Helper()
	got := map[int]string{}
	for i := range clients {
		path, from := "/", 0
		if as == nil {
			from = i
		}
		got[i] = b.ask(host, path, from, func(r *http.Request) {
			if as != nil {
				as(r, i)
			}
		})
	}
	return got
}

// TestHashes: a hash keeps who it is about with the same server: from request to
// request, through reloads, and nearly always when other servers come and go.
func TestHashes(t *testing.T) {
	b := managed(t)
	b.r.reloads.SetLimit(1000)
	hashes := map[string]func(*http.Request, int){
		"source":         nil, // each client has an address of its own
		"uri":            func(r *http.Request, i int) { r.URL.Path = fmt.Sprintf("/p%d", i) },
		"header:X-User":  func(r *http.Request, i int) { r.Header.Set("X-User", fmt.Sprintf("u%d", i)) },
		"cookie:session": func(r *http.Request, i int) { r.AddCookie(&http.Cookie{Name: "session", Value: fmt.Sprintf("s%d", i)}) },
	}
	endpoints := []v1.Endpoint{origin(t, "a"), origin(t, "b"), origin(t, "c")}
	host := func(balance string) string { word, _, _ := strings.Cut(balance, ":"); return word + ".test" }
	for balance := range hashes {
		word, _, _ := strings.Cut(balance, ":")
		b.serve(word, endpoints...).Balance = balance
	}
	b.sync()
	before := map[string]map[int]string{}
	for balance, as := range hashes {
		before[balance] = b.spread(host(balance), as)
		used := map[string]int{}
		for _, name := range before[balance] {
			used[name]++
		}
		if len(used) != 3 {
			t.Errorf("%s: %d clients were spread as %v", balance, clients, used)
		}
		if d := cmp.Diff(before[balance], b.spread(host(balance), as)); d != "" {
			t.Errorf("%s: the second time others answered:\n%s", balance, d)
		}
	}

	// One server goes at runtime, then another service needs a reload: whose
	// server is still there stays with it.
	for name, s := range b.set {
		b.serve(name, endpoints[0], endpoints[2]).Balance = s.Balance
	}
	b.sync()
	b.serve("other", endpoints[0])
	b.sync()
	if n := b.reloads(); n != 2 {
		t.Fatalf("%d loads, want the start and that for the other service", n)
	}
	for balance, as := range hashes {
		for i, name := range b.spread(host(balance), as) {
			if had := before[balance][i]; had != "b" && name != had {
				t.Errorf("%s: client %d moved from %s to %s", balance, i, had, name)
			}
		}
	}

	// It comes back at runtime: all is as before.
	for name, s := range b.set {
		if s.Balance != "" {
			b.serve(name, endpoints...).Balance = s.Balance
		}
	}
	b.sync()
	for balance, as := range hashes {
		if d := cmp.Diff(before[balance], b.spread(host(balance), as)); d != "" {
			t.Errorf("%s: after the server came back (-before +after):\n%s", balance, d)
		}
	}
	if n := b.reloads(); n != 2 {
		t.Errorf("%d loads: servers of a hash came and went with a reload", n)
	}
	b.quiet("all of it")
	b.restart()
	b.quiet("a restart")
}

// held is an origin that answers when it is told to.
type held struct {
	v1.Endpoint
	arrived chan struct{} // one for each request that has come in
	release chan struct{} // closed to let them all go
}

func holding(t *testing.T, name string) held {
	t.Helper()
	h := held{arrived: make(chan struct{}, 100), release: make(chan struct{})}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.arrived <- struct{}{}
		if r.URL.Path == "/hold" {
			<-h.release
		}
		fmt.Fprintln(w, name, "")
	}))
	t.Cleanup(s.Close)
	h.Endpoint = endpoint(t, name, s.Listener.Addr().String())
	return h
}

// TestLeastConnections: a server that comes at runtime gets all requests while
// the other one is busy.
func TestLeastConnections(t *testing.T) {
	b := managed(t)
	busy := holding(t, "busy")
	b.serve("shop", busy.Endpoint).Balance = v1.LeastConn
	b.sync()
	const n = 3
	answers := make(chan string, n)
	for range n {
		go func() { answers <- b.ask("shop.test", "/hold", 0, nil) }()
	}
	for range n {
		<-busy.arrived
	}
	b.serve("shop", busy.Endpoint, origin(t, "idle")).Balance = v1.LeastConn
	b.sync()
	for range 5 { // HAProxy may not have noted yet that the one before has ended
		if got := b.ask("shop.test", "/", 0, nil); got != "idle" {
			t.Errorf("%s answered while it had %d requests under way", got, n)
		}
	}
	close(busy.release)
	for range n {
		if got := <-answers; got != "busy" {
			t.Errorf("the held request was answered by %s", got)
		}
	}
}

func TestFirstAndRandom(t *testing.T) {
	b := managed(t)
	endpoints := []v1.Endpoint{origin(t, "a"), origin(t, "b"), origin(t, "c")}
	b.serve("first", endpoints...).Balance = v1.BalanceFirst
	b.serve("random", endpoints...).Balance = v1.BalanceRandom
	b.sync()
	got := map[string]map[string]bool{"first": {}, "random": {}}
	for range 60 { // that one of three is never picked has a chance of 1 in 10^10
		for service := range got {
			got[service][b.ask(service+".test", "/", 0, nil)] = true
		}
	}
	want := map[string]map[string]bool{"first": {"a": true}, "random": {"a": true, "b": true, "c": true}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("who answered (-want +got):\n%s", d)
	}
}

// TestOtherBalance: a service that asks for another algorithm gets it, with its servers.
func TestOtherBalance(t *testing.T) {
	b := managed(t)
	b.r.reloads.SetLimit(1000)
	one, two := origin(t, "one"), origin(t, "two")
	b.plain("shop", one, two)
	b.sync()
	for _, balance := range []string{v1.BalanceFirst, "header:X-User", ""} {
		b.plain("shop", one, two).Balance = balance
		b.sync()
		seen := map[string]bool{}
		for range 4 {
			seen[b.ask("shop.test", "/", 0, func(r *http.Request) { r.Header.Set("X-User", "anna") })] = true
		}
		if (len(seen) == 2) != (balance == "") {
			t.Errorf("balance %q: %v answered", balance, seen)
		}
	}
	b.quiet("the last change")
}

package haproxy

import (
	"net/http"
	"strings"
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
)

// visitor is a client that keeps the cookie that it was given.
type visitor struct {
	b      *bench
	cookie *http.Cookie
}

// ask returns who answers the visitor.
func (v *visitor) ask(host string) string {
	v.b.t.Helper()
	request, err := http.NewRequestWithContext(v.b.t.Context(), http.MethodGet, v.b.url+"/", nil)
	if err != nil {
		v.b.t.Fatal(err)
	}
	if request.Host = host; v.cookie != nil {
		request.AddCookie(&http.Cookie{Name: v.cookie.Name, Value: v.cookie.Value})
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		v.b.t.Fatal(err)
	}
	defer response.Body.Close()
	for _, cookie := range response.Cookies() {
		v.cookie = cookie
	}
	return bodyName(v.b.t, response)
}

// visitorOf returns a new visitor whom the named server has answered first.
func (b *bench) visitorOf(host, server string) *visitor {
	b.t.Helper()
	for range 20 { // in turns, so one of the first few
		if v := (&visitor{b: b}); v.ask(host) == server {
			return v
		}
	}
	b.t.Fatalf("%s answers nobody", server)
	return nil
}

func (v *visitor) stays(host, server string) {
	v.b.t.Helper()
	for range 5 {
		if got := v.ask(host); got != server {
			v.b.t.Fatalf("%s answered the visitor of %s", got, server)
		}
	}
}

// TestSticky: a visitor stays with a server, also with one that came at runtime,
// through reloads, until it drains.
func TestSticky(t *testing.T) {
	b := managed(t)
	b.r.reloads.SetLimit(1000)
	endpoints := []v1.Endpoint{origin(t, "one"), origin(t, "two"), origin(t, "three")}
	serve := func(endpoints ...v1.Endpoint) { b.serve("shop", endpoints...).Sticky = "shop_server" }
	serve(endpoints[:2]...)
	b.sync()
	first := b.visitorOf("shop.test", "one")
	if c := first.cookie; c.Name != "shop_server" || !c.HttpOnly || strings.Contains(c.Value, "127") || c.Value == "" {
		t.Errorf("the cookie is %v", c)
	}
	serve(endpoints...)
	b.sync()
	first.stays("shop.test", "one")
	third := b.visitorOf("shop.test", "three")
	third.stays("shop.test", "three")
	if n := b.reloads(); n != 1 {
		t.Fatalf("%d loads: the third server came with a reload", n)
	}
	b.serve("other", endpoints[0])
	b.sync()
	first.stays("shop.test", "one")
	third.stays("shop.test", "three")

	// Drained, it gets nothing new, not even from its own visitors.
	drained := endpoints[2]
	drained.Draining = true
	serve(endpoints[0], endpoints[1], drained)
	b.sync("shop")
	moved := *third
	if got := moved.ask("shop.test"); got == "three" {
		t.Error("three drains, and its visitor came to it")
	}
	b.quiet("draining")
	b.serve("other", endpoints[1]).Balance = v1.BalanceFirst
	b.sync()
	moved = *third
	if got := moved.ask("shop.test"); got == "three" {
		t.Error("after a reload its visitor came to three, which drains")
	}
	b.restart()
	b.quiet("a restart")

	// Back again, it takes its visitors back.
	serve(endpoints...)
	b.sync("shop")
	third.stays("shop.test", "three")
	b.quiet("the end of draining")
	if p := b.plan(reconcilers.Scope{Fresh: true}); !p.Empty() || b.reloads() != 0 {
		t.Errorf("%d reloads", b.reloads())
	}
}

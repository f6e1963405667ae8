package haproxy

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
)

// TestForecast: a plan says which changes need a reload, and HAProxy is reloaded
// (or started) just then.
func TestForecast(t *testing.T) {
	b := managed(t)
	b.options.Spares = 1
	b.open()
	b.r.reloads.SetLimit(1000)
	one, two := origin(t, "one"), origin(t, "two")
	reserve := two
	reserve.Backup = true
	const out = "no prepared backend is left"
	for _, step := range []struct {
		what   string
		change func()
		want   []string
	}{
		{"the start", func() { b.plain("first", one) }, []string{"HAProxy does not run, or answers nobody"}},
		{"a service of default options", func() { b.plain("second", one) }, nil},
		{"another server, another host", func() { b.plain("second", one, reserve).Routes[0].Hosts = []string{"b.test"} }, nil},
		{"the prepared backends run out", func() { b.plain("third", one); b.plain("fourth", one) }, []string{out}},
		{"a service of its own options", func() { b.serve("fifth", one).Balance = v1.LeastConn }, []string{"a new backend has options of its own"}},
		{"other options", func() { b.serve("fifth", one).Balance = v1.BalanceFirst }, []string{"options of a backend change"}},
		{"a backup that is none any more", func() { b.plain("second", one, two).Routes[0].Hosts = []string{"b.test"} }, []string{"whether a server is a backup changes"}},
		{"a removal", func() { delete(b.set, "fifth") }, nil},
		{"nothing", func() {}, nil},
	} {
		step.change()
		var got []string
		for _, change := range b.r.Forecast(b.plan(reconcilers.Scope{Fresh: true})).Changes {
			if change.Reload != "" && !slices.Contains(got, change.Reload) {
				got = append(got, change.Reload)
			}
		}
		if slices.Contains(step.want, out) && b.r.can().addsBackends {
			step.want = nil // it needs none
		}
		before := b.reloads()
		b.sync()
		if d := cmp.Diff(step.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", step.what, d)
		}
		if loads := b.reloads() - before; (loads > 0) != (len(step.want) > 0) {
			t.Errorf("%s: %d loads", step.what, loads)
		}
	}
}

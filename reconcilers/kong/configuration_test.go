package kong

import (
	"testing"

	"github.com/lockstep/lockstep/internal/fakekong"
	"github.com/lockstep/lockstep/reconcilers"
)

// TestConfiguration: nobody knows how Kong is configured before it has answered, what it said
// last holds while it is down, and of several nodes it is known which does not answer.
func TestConfiguration(t *testing.T) {
	look := func(g Gateway) reconcilers.Configuration {
		_, _ = g.Observe(t.Context(), reconcilers.Scope{Fresh: true}) // one that is down says so elsewhere
		return g.Configuration()
	}
	known, whole := reconcilers.Configuration{Known: true}, reconcilers.Configuration{Known: true, Whole: true}
	absent := reconcilers.Configuration{Known: true, Whole: true, Absent: true}
	for _, c := range []struct {
		name  string
		modes []fakekong.Mode
		// How it is while all are up, and while the last one is down.
		up, down reconcilers.Configuration
	}{
		{"a database", []fakekong.Mode{fakekong.Database}, known, known},
		{"none", []fakekong.Mode{fakekong.DBLess}, whole, whole},
		{"two without", []fakekong.Mode{fakekong.DBLess, fakekong.DBLess}, whole, absent},
		{"the second has one", []fakekong.Mode{fakekong.DBLess, fakekong.Database}, absent, absent},
	} {
		var nodes []*fakekong.Kong
		for _, mode := range c.modes {
			nodes = append(nodes, start(t, fakekong.Options{Mode: mode}))
		}
		g := openAll(t, several(nodes...))
		if got := g.Configuration(); got.Known {
			t.Errorf("%s: known before anybody asked: %+v", c.name, got)
		}
		if got := look(g); got != c.up {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.up)
		}
		last := nodes[len(nodes)-1]
		last.Stop()
		if got := look(g); got != c.down {
			t.Errorf("%s, with one down: %+v, want %+v", c.name, got, c.down)
		}
		if err := last.Start(); err != nil {
			t.Fatal(err)
		}
		if got := look(g); got != c.up && !got.Absent { // a node that was down is asked again by who watches
			t.Errorf("%s, with all up again: %+v, want %+v", c.name, got, c.up)
		}
	}
}

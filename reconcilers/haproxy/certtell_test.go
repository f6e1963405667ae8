package haproxy

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
)

// TestTroubleWithCertificatesIsToldOnce: one that has ended, and one whose names
// another one bears, are each warned of when it becomes so, and not again.
func TestTroubleWithCertificatesIsToldOnce(t *testing.T) {
	b, _ := secured(t)
	var said strings.Builder
	b.options.Log = slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelWarn}))
	b.troubled = true
	b.open()
	a := newAuthority(t)
	chain, key := a.Issue(time.Now().Add(-time.Minute), "ended.test")
	ended := v1.Certificate{Name: "ended", Chain: chain, Key: v1.NewSecret(key)}
	chain, key = a.Issue(time.Now().Add(time.Minute), "shop.test")
	sooner := v1.Certificate{Name: "sooner", Chain: chain, Key: v1.NewSecret(key)}
	look := func(want string, conflicts int, shared ...v1.Certificate) {
		t.Helper()
		said.Reset()
		b.shared.Certificates = shared
		for range 3 {
			if _, err := b.try(reconcilers.Scope{Fresh: true}); err != nil {
				t.Fatal(err)
			}
		}
		var about []string
		for line := range strings.Lines(said.String()) {
			if _, rest, ok := strings.Cut(line, "certificate="); ok {
				name, _, _ := strings.Cut(rest, " ")
				about = append(about, name)
			}
		}
		if got := strings.Join(about, " "); got != want {
			t.Errorf("warned of %q, want %q:\n%s", got, want, said.String())
		}
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(b.r.metrics.contested)
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		if n := families[0].GetMetric()[0].GetGauge().GetValue(); n != float64(conflicts) {
			t.Errorf("the metric says %v, want %d", n, conflicts)
		}
	}
	later := a.declare("later", "shop.test")
	look("", 0, later)
	look("sooner", 1, later, sooner)
	look("ended", 1, later, sooner, ended)
	look("", 1, later, sooner, ended)
	look("", 0, later, ended)
	look("sooner", 1, later, ended, sooner)
}

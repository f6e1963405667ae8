package docker

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/lockstep/lockstep/internal/fakedocker"
)

// many fills an Engine with 10,000 containers of 1,000 services.
func many(b *testing.B) (*fakedocker.Engine, string) {
	b.Helper()
	e, host := fake(b)
	e.AddNetwork(fakedocker.Network{Name: "shop"})
	for i := range 10_000 {
		e.Run(fakedocker.Spec{
			Name: fmt.Sprintf("shop-web%d-%d", i/10, i%10), Network: "shop", Expose: []string{"8080"}, Health: "healthy",
			Labels: enabled(
				"com.docker.compose.project", "shop", "com.docker.compose.service", fmt.Sprintf("web%d", i/10),
				"com.docker.compose.container-number", fmt.Sprint(i%10+1), "com.docker.compose.oneoff", "False",
				"lockstep.hosts", fmt.Sprintf("web%d.example.com", i/10), "lockstep.paths", "/api",
			),
		})
	}
	e.Forget()
	return e, host
}

// BenchmarkFirstList measures from nothing to the full delta of 10,000 containers.
func BenchmarkFirstList(b *testing.B) {
	_, host := many(b)
	b.ReportAllocs()
	for b.Loop() {
		w := begin(b, Options{Host: host})
		w.loaded()
		if len(w.known) != 10_000 {
			b.Fatalf("%d known", len(w.known))
		}
		w.stop()
	}
}

// BenchmarkStrangers measures the same where a hundred of 10,000 bear the label, and the
// others none of ours: as it is without manifests, and where all are seen. One in ten
// exposes no port, so that the list does not tell everything of it.
func BenchmarkStrangers(b *testing.B) {
	for _, all := range []bool{false, true} {
		b.Run(map[bool]string{false: "not seen", true: "seen"}[all], func(b *testing.B) {
			e, host := fake(b)
			e.AddNetwork(fakedocker.Network{Name: "shop"})
			for i := range 10_000 {
				spec := fakedocker.Spec{Name: fmt.Sprintf("c%d", i), Network: "shop", Labels: map[string]string{"com.docker.compose.project": "legacy"}}
				if i%10 > 0 {
					spec.Expose = []string{"8080"}
				}
				if i < 100 {
					spec.Labels = enabled()
				}
				e.Run(spec)
			}
			want := map[bool]int{false: 100, true: 10_000}[all]
			for b.Loop() {
				w := begin(b, Options{Host: host, Strangers: all})
				w.loaded()
				if len(w.known) != want {
					b.Fatalf("%d known", len(w.known))
				}
				var after runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&after)
				b.ReportMetric(float64(after.HeapAlloc)/1e6, "MB-heap")
				w.stop()
				runtime.KeepAlive(w)
			}
		})
	}
}

// BenchmarkEvent measures from one event to the delta that it leads to, its
// inspection included, with 10,000 containers known.
func BenchmarkEvent(b *testing.B) {
	e, host := many(b)
	w := begin(b, Options{Host: host, Resync: time.Hour})
	w.loaded()
	w.eventually("subscribed", func() bool { return e.Streams() == 1 })
	id := w.one("shop-web7-3").ID
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		health := [...]string{"unhealthy", "healthy"}[i%2]
		e.SetHealth(id, health)
		w.until(health, func() bool { return string(w.known[id].Health) == health })
	}
}

// BenchmarkResync measures a full list that finds nothing new.
func BenchmarkResync(b *testing.B) {
	e, host := many(b)
	w := begin(b, Options{Host: host, Resync: time.Millisecond})
	w.loaded()
	b.ReportAllocs()
	for b.Loop() {
		lists := e.Requests()[fakedocker.List]
		w.eventually("listed", func() bool { return e.Requests()[fakedocker.List] > lists })
	}
}

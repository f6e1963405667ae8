package haproxy

import (
	"fmt"
	"slices"
	"testing"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/pause"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/haproxy/config"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
	"github.com/lockstep/lockstep/reconcilers/haproxy/socket"
)

// fleet fills the set with services of four instances each.
func (b *bench) fleet(services int) {
	for i := range services {
		endpoints := make([]v1.Endpoint, 4)
		for j := range endpoints {
			endpoints[j] = endpoint(b.t, fmt.Sprintf("e%05d-%d", i, j), fmt.Sprintf("127.0.%d.%d:%d", 1+i/250, 1+i%250, 9000+j))
		}
		b.serve(fmt.Sprintf("s%05d", i), endpoints...)
	}
}

// quantiles reports the median and the slowest 5 % of what was measured.
func quantiles(b *testing.B, took []time.Duration) {
	b.Helper()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
	b.ReportMetric(0, "ns/op")
}

// answered asks until the body is the wanted one.
func (b *bench) answered(host, body string) {
	b.t.Helper()
	for {
		if status, got, err := b.fetch(host, "/"); err == nil && status == 200 && (len(got) >= len(body) && got[:len(body)] == body) {
			return
		}
		if pause.For(b.t.Context(), 500*time.Microsecond) != nil {
			return
		}
	}
}

// BenchmarkServer: another copy of a known service, from the decision to the
// first answer, beside 100 services. "raw" is the same by bare commands.
func BenchmarkServer(b *testing.B) {
	bench := managed(b)
	bench.fleet(100)
	one, two := origin(b, "one"), origin(b, "two")
	bench.serve("shop", one)
	bench.sync()
	b.Run("apply", func(b *testing.B) {
		var took []time.Duration
		for i := range b.N {
			now, name := two, "two"
			if i%2 == 1 {
				now, name = one, "one"
			}
			bench.serve("shop", now)
			start, done := time.Now(), make(chan time.Duration)
			go func() {
				bench.answered("shop.test", name)
				done <- time.Since(start)
			}()
			if failed, err := bench.try(reconcilers.Scope{Services: []string{"shop"}}); err != nil || len(failed) > 0 {
				b.Fatal(failed, err)
			}
			took = append(took, <-done)
		}
		quantiles(b, took)
	})
	b.Run("raw", func(b *testing.B) {
		var took []time.Duration
		bench.serve("shop")
		bench.sync("shop")
		for range b.N {
			start := time.Now()
			s, err := socket.Dial(b.Context(), bench.r.o.StatsSocket, time.Second)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := s.Send([]string{"add server lockstep:shop/raw " + one.Address.String() + " weight 100", "enable server lockstep:shop/raw"}); err != nil {
				b.Fatal(err)
			}
			bench.answered("shop.test", "one")
			took = append(took, time.Since(start))
			if _, err := s.Send([]string{"set server lockstep:shop/raw state maint", "shutdown sessions server lockstep:shop/raw", "del server lockstep:shop/raw"}); err != nil {
				b.Fatal(err)
			}
			s.Close()
		}
		quantiles(b, took)
	})
}

// BenchmarkNewService: a brand-new service, from the decision to the first
// answer, beside 100 others.
func BenchmarkNewService(b *testing.B) {
	bench := managed(b)
	bench.options.ReloadEvery = time.Nanosecond
	bench.open()
	bench.fleet(100)
	bench.sync()
	one := origin(b, "one")
	var took []time.Duration
	for i := range b.N {
		name := fmt.Sprintf("new%d", i)
		bench.serve(name, one)
		start, done := time.Now(), make(chan time.Duration)
		go func() {
			bench.answered(name+".test", "one")
			done <- time.Since(start)
		}()
		if failed, err := bench.try(reconcilers.Scope{Services: []string{name}}); err != nil || len(failed) > 0 {
			b.Fatal(failed, err)
		}
		took = append(took, <-done)
		delete(bench.set, name)
	}
	quantiles(b, took)
}

// BenchmarkThousandServers: 1,000 changes of servers in one round.
func BenchmarkThousandServers(b *testing.B) {
	bench := managed(b)
	bench.fleet(250)
	bench.sync()
	b.ResetTimer()
	for i := range b.N {
		for name, service := range bench.set {
			next := *service
			next.Endpoints = slices.Clone(service.Endpoints)
			for j := range next.Endpoints {
				next.Endpoints[j].Weight = 50 + i%2
			}
			bench.set[name] = &next
		}
		if failed, err := bench.try(reconcilers.Scope{}); err != nil || len(failed) > 0 {
			b.Fatal(failed, err)
		}
	}
}

// BenchmarkLook: a fresh look that finds nothing to do.
func BenchmarkLook(b *testing.B) {
	bench := managed(b)
	bench.fleet(500)
	bench.sync()
	b.ResetTimer()
	for range b.N {
		if p := bench.plan(reconcilers.Scope{Fresh: true}); !p.Empty() {
			b.Fatal(sentences(p))
		}
	}
}

// BenchmarkRender: the whole configuration and map from nothing.
func BenchmarkRender(b *testing.B) {
	for _, services := range []int{1000, 5000} {
		b.Run(fmt.Sprint(services), func(b *testing.B) {
			e := &bench{t: b, set: v1.Set{}}
			e.options = Options{Owner: "lockstep", Dir: "/tmp/x", Binds: []string{":80"}}
			e.open()
			e.fleet(services)
			state, _ := e.r.Compile(reconcilers.Scope{}, e.set, v1.Shared{})
			p := diff(nil, state)
			b.Run("whole", func(b *testing.B) {
				for range b.N {
					m := config.New("lockstep")
					m.Rebase(e.r.base)
					edits := m.Edit()
					for _, change := range p.Changes {
						edits.Put(change.After.Native)
					}
					edits.Apply()
					t := routemap.New("lockstep", m)
					if len(renderAll(m)) == 0 || len(t.Render()) == 0 {
						b.Fatal("nothing rendered")
					}
				}
			})
			b.Run("one changed", func(b *testing.B) {
				m := config.New("lockstep")
				m.Rebase(e.r.base)
				edits := m.Edit()
				for _, change := range p.Changes {
					edits.Put(change.After.Native)
				}
				edits.Apply()
				for i := range b.N {
					edits := m.Edit()
					edits.Put(config.Place{Backend: "s00007", Server: config.Server{Name: "e00007-1", ID: "e00007-1", Address: "1.2.3.4:5", Weight: i % 256}})
					edits.Apply()
					if len(m.Render(config.File("s00007"))) == 0 {
						b.Fatal("nothing rendered")
					}
				}
			})
		})
	}
}

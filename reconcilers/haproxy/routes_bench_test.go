package haproxy

import (
	"fmt"
	"testing"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
)

// BenchmarkOneHost: a service gets one host more and loses it again, files
// included, beside so many routes of others.
func BenchmarkOneHost(b *testing.B) {
	for _, routes := range []int{100, 10_000, 100_000} {
		b.Run(fmt.Sprint(routes), func(b *testing.B) {
			bench := managed(b)
			for i := 0; i < routes; i += 10 {
				s := bench.serve(fmt.Sprintf("s%d", i))
				for j := range 10 {
					s.Routes = append(s.Routes, v1.Route{Name: fmt.Sprintf("s%d.r%d", i, j), Hosts: []string{fmt.Sprintf("h%d.test", i%1000)},
						Paths: []string{fmt.Sprintf("/path-%d/%d", i, j)}, PreserveHost: true})
				}
			}
			bench.serve("one")
			bench.sync()
			var took []time.Duration
			for i := range b.N {
				for _, hosts := range [][]string{{"one.test", fmt.Sprintf("more%d.test", i)}, {"one.test"}} {
					s := *bench.set["one"]
					s.Routes = []v1.Route{{Name: "one.default", Hosts: hosts, PreserveHost: true}}
					bench.set["one"] = &s
					start := time.Now()
					if failed, err := bench.try(reconcilers.Scope{Services: []string{"one"}}); err != nil || len(failed) > 0 {
						b.Fatal(failed, err)
					}
					took = append(took, time.Since(start))
				}
			}
			quantiles(b, took)
		})
	}
}

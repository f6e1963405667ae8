package haproxy

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/lockstep/lockstep/reconcilers"
)

// BenchmarkBrandNew: a brand-new service of default options, from the decision
// to the first answer, beside 100 others: with and without prepared backends.
func BenchmarkBrandNew(b *testing.B) {
	for _, c := range []struct {
		name   string
		spares int
	}{{"prepared", 1}, {"reload", -1}} {
		b.Run(c.name, func(b *testing.B) {
			bench := managed(b)
			bench.options.ReloadEvery, bench.options.Spares = time.Nanosecond, c.spares*max(b.N, defaultSpares)
			bench.open()
			bench.fleet(100)
			bench.sync()
			one := origin(b, "one")
			var took []time.Duration
			for i := range b.N {
				name := fmt.Sprintf("new%d", i)
				bench.plain(name, one)
				start, done := time.Now(), make(chan time.Duration)
				go func() {
					bench.answered(name+".test", "one")
					done <- time.Since(start)
				}()
				if failed, err := bench.try(reconcilers.Scope{Services: []string{name}}); err != nil || len(failed) > 0 {
					b.Fatal(failed, err)
				}
				took = append(took, <-done)
			}
			quantiles(b, took)
		})
	}
}

// BenchmarkTwentyNew: 20 brand-new services at once, until the last answers,
// at the default rate of reloads.
func BenchmarkTwentyNew(b *testing.B) {
	for _, c := range []struct {
		name   string
		spares int
	}{{"prepared", 1}, {"reload", -1}} {
		b.Run(c.name, func(b *testing.B) {
			bench := managed(b)
			bench.options.Spares = c.spares * max(20*b.N, defaultSpares)
			bench.open()
			bench.fleet(100)
			bench.sync()
			one := origin(b, "one")
			var took []time.Duration
			for i := range b.N {
				start := time.Now()
				for j := range 20 {
					name := fmt.Sprintf("new%d-%d", i, j)
					bench.plain(name, one)
					bench.sync(name)
				}
				for j := range 20 {
					bench.answered(fmt.Sprintf("new%d-%d.test", i, j), "one")
				}
				took = append(took, time.Since(start))
			}
			quantiles(b, took)
		})
	}
}

// BenchmarkStart: what prepared backends cost: a start of HAProxy, and its memory.
func BenchmarkStart(b *testing.B) {
	for _, spares := range []int{-1, 200, 1000} {
		b.Run(fmt.Sprint(max(spares, 0)), func(b *testing.B) {
			bench := managed(b)
			bench.options.Spares = spares
			bench.fleet(100)
			var took []time.Duration
			var memory int
			for range b.N {
				bench.open()
				start := time.Now()
				bench.sync()
				took = append(took, time.Since(start))
				memory = residentOf(b, bench.r.live.pid)
				bench.stop()
			}
			quantiles(b, took)
			b.ReportMetric(float64(memory)/1024, "MiB")
		})
	}
}

// residentOf returns the memory of a process in KiB.
func residentOf(b *testing.B, pid int) int {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	var kib int
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		b.Fatal(err)
	}
	return kib
}

package git

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// register registers what a Repository measures. Each is read when it is asked for.
func (r *Repository) register(registerer prometheus.Registerer) {
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 {
			r.mu.Lock()
			defer r.mu.Unlock()
			return value()
		})
	}
	registerer.MustRegister(
		gauge("lockstep_git_asked_timestamp_seconds", "When the repository last answered, as Unix time; 0 before it did.",
			func() float64 { return unix(r.state.Asked) }),
		gauge("lockstep_git_commit_timestamp_seconds", "When the commit that counts was made, as Unix time; 0 while none does.",
			func() float64 { return unix(r.counts.Made) }),
		gauge("lockstep_git_behind_seconds", "For how long the ref has pointed to a commit that does not count, as it is wrong or not signed; 0 when all is well.",
			func() float64 {
				if r.behind.IsZero() {
					return 0
				}
				return time.Since(r.behind).Seconds()
			}),
	)
}

// unix returns a time as Unix time; 0 for none.
func unix(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}

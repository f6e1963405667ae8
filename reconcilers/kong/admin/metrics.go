package admin

import (
	"fmt"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics count the requests to the Admin API. The zero value counts nothing.
type Metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	retries  prometheus.Counter
}

// NewMetrics registers them, which can be done once; without a registerer nothing is counted.
func NewMetrics(r prometheus.Registerer) (*Metrics, error) {
	if r == nil {
		return &Metrics{}, nil
	}
	m := &Metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lockstep_kong_requests_total", Help: "Admin API requests by method and status; status 0 is no answer.",
		}, []string{"method", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "lockstep_kong_request_duration_seconds", Help: "Time from sending an Admin API request to its whole answer.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10, 60},
		}, []string{"method"}),
		retries: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "lockstep_kong_retries_total", Help: "Admin API requests that were sent again.",
		}),
	}
	for _, c := range []prometheus.Collector{m.requests, m.seconds, m.retries} {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("register the metrics of Kong: %w", err)
		}
	}
	return m, nil
}

func (m *Metrics) asked(method string, status int, took time.Duration) {
	if m.requests == nil {
		return
	}
	m.requests.WithLabelValues(method, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(method).Observe(took.Seconds())
}

func (m *Metrics) retried() {
	if m.retries != nil {
		m.retries.Inc()
	}
}

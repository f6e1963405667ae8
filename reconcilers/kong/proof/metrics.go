package proof

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics count what is asked of Kong's proxy. The zero value counts nothing.
type Metrics struct {
	serving prometheus.Histogram
	proxy   *prometheus.CounterVec
}

// NewMetrics registers them, which can be done once; without a registerer nothing is counted.
func NewMetrics(r prometheus.Registerer) (*Metrics, error) {
	if r == nil {
		return &Metrics{}, nil
	}
	m := &Metrics{
		serving: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "lockstep_kong_accepted_to_serving_seconds", Help: "Time from the Admin API's acceptance of changes until all workers were known to serve them; needs --kong-proxy-url.",
			Buckets: []float64{.025, .05, .1, .25, .5, 1, 2, 3, 4, 5, 7.5, 10, 30, 60},
		}),
		proxy: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lockstep_kong_proxy_requests_total", Help: "Requests to Kong's proxy for what it serves, by result: served (something accepted lately), pending, or failed.",
		}, []string{"result"}),
	}
	for _, c := range []prometheus.Collector{m.serving, m.proxy} {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("register the metrics of Kong: %w", err)
		}
	}
	return m, nil
}

// served notes how long a generation took until it was known to be served.
func (m *Metrics) served(took time.Duration) {
	if m.serving != nil {
		m.serving.Observe(took.Seconds())
	}
}

// asked notes what one request to the proxy said.
func (m *Metrics) asked(result string) {
	if m.proxy != nil {
		m.proxy.WithLabelValues(result).Inc()
	}
}

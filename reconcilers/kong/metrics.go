package kong

import (
	"fmt"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics count the requests. The zero value counts nothing.
type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	retries  prometheus.Counter
	serving  prometheus.Histogram
	proxy    *prometheus.CounterVec
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	if r == nil {
		return &metrics{}, nil
	}
	m := &metrics{
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
		serving: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "lockstep_kong_accepted_to_serving_seconds", Help: "Time from the Admin API's acceptance of changes until all workers were known to serve them; needs --kong-proxy-url.",
			Buckets: []float64{.025, .05, .1, .25, .5, 1, 2, 3, 4, 5, 7.5, 10, 30, 60},
		}),
		proxy: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lockstep_kong_proxy_requests_total", Help: "Requests to Kong's proxy for what it serves, by result: served (something accepted lately), pending, or failed.",
		}, []string{"result"}),
	}
	for _, c := range []prometheus.Collector{m.requests, m.seconds, m.retries, m.serving, m.proxy} {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("register the metrics of Kong: %w", err)
		}
	}
	return m, nil
}

func (m *metrics) asked(method string, status int, took time.Duration) {
	if m.requests == nil {
		return
	}
	m.requests.WithLabelValues(method, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(method).Observe(took.Seconds())
}

// served notes how long a generation took until it was known to be served.
func (m *metrics) served(took time.Duration) {
	if m.serving != nil {
		m.serving.Observe(took.Seconds())
	}
}

// askedProxy notes what one request to the proxy said.
func (m *metrics) askedProxy(result string) {
	if m.proxy != nil {
		m.proxy.WithLabelValues(result).Inc()
	}
}

func (m *metrics) retried() {
	if m.retries != nil {
		m.retries.Inc()
	}
}

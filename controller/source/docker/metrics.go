package docker

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/docker/docker/api/types/events"
	"github.com/prometheus/client_golang/prometheus"
)

// metrics of one source. No label ever holds a container's name or id.
type metrics struct {
	instances  prometheus.Gauge
	events     *prometheus.CounterVec
	lag        prometheus.Histogram
	requests   *prometheus.HistogramVec
	failures   *prometheus.CounterVec
	reconnects prometheus.Counter
	missed     prometheus.Counter
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		instances: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "lockstep_docker_instances", Help: "Containers seen that run or are paused: those with the label enable, or all with manifests or --expose-all."}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lockstep_docker_events_total", Help: "Docker events received, by action."}, []string{"action"}),
		lag: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "lockstep_docker_event_lag_seconds", Help: "From Docker's time stamp of an event to its arrival; needs equal clocks.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .5, 1, 5}}),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "lockstep_docker_request_seconds", Help: "How long the Docker daemon took to answer, by call.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5}}, []string{"call"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lockstep_docker_request_failures_total", Help: "Requests to the Docker daemon that failed, by call."}, []string{"call"}),
		reconnects: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "lockstep_docker_reconnects_total", Help: "How often the connection to the Docker daemon was lost or could not be made."}),
		missed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "lockstep_docker_missed_changes_total", Help: "Changes that no event told and a full list found."}),
	}
	if r == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.instances, m.events, m.lag, m.requests, m.failures, m.reconnects, m.missed} {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("register docker metrics: %w", err)
		}
	}
	return m, nil
}

// event counts one, and how late it came unless it is an old one told again.
func (m *metrics) event(e events.Message, now time.Time) {
	action, _, _ := strings.Cut(string(e.Action), ":")
	if !isWatched(events.Action(action)) {
		action = "other" // the label stays within what we know
	}
	m.events.WithLabelValues(action).Inc()
	if e.TimeNano > 0 {
		if lag := now.Sub(time.Unix(0, e.TimeNano)); lag < time.Minute {
			m.lag.Observe(max(0, lag.Seconds()))
		}
	}
}

func isWatched(a events.Action) bool {
	return slices.Contains(watched, a)
}

// request counts one call that began then and ended now.
func (m *metrics) request(call string, err error, began time.Time) {
	if err != nil {
		m.failures.WithLabelValues(call).Inc()
		return
	}
	m.requests.WithLabelValues(call).Observe(time.Since(began).Seconds())
}

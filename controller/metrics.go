package controller

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// Metrics are what the loop counts. They never bear the id of a container.
type Metrics struct {
	builds    prometheus.Histogram
	rounds    *prometheus.HistogramVec
	failures  *prometheus.CounterVec
	changes   *prometheus.CounterVec
	latency   *prometheus.HistogramVec
	up        *prometheus.GaugeVec
	held      *prometheus.GaugeVec
	drifted   *prometheus.GaugeVec
	connected *prometheus.GaugeVec
	pins      prometheus.Gauge
}

// NewMetrics returns the loop's metrics, registered; unsaved counts the parts of the state
// directory that can't be written.
func NewMetrics(registry prometheus.Registerer, unsaved func() int) *Metrics {
	buckets := []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	m := &Metrics{
		builds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "lockstep_build_duration_seconds", Buckets: buckets,
			Help: "Time to work out the desired state after a change."}),
		rounds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "lockstep_round_duration_seconds", Buckets: buckets,
			Help: "Time to bring a gateway to the desired state, by gateway."}, []string{"gateway"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lockstep_round_failures_total",
			Help: "Rounds that failed as a whole, by gateway."}, []string{"gateway"}),
		changes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lockstep_changes_total",
			Help: "Changes made to a gateway, by gateway and operation (create, update, delete)."}, []string{"gateway", "operation"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "lockstep_event_to_applied_seconds", Buckets: buckets,
			Help: "Time from the arrival of a source's event to the end of the round that applied it, by gateway."}, []string{"gateway"}),
		up: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "lockstep_gateway_up",
			Help: "1 when the last round over a gateway ended well, else 0."}, []string{"gateway"}),
		held: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "lockstep_held_changes",
			Help: "Removals that the guard keeps back, by gateway."}, []string{"gateway"}),
		drifted: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "lockstep_drifted_objects",
			Help: "Objects that somebody else changed at a gateway and that are reported, not repaired, by gateway."}, []string{"gateway"}),
		connected: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "lockstep_source_connected",
			Help: "1 while the event stream of a source stands, else 0."}, []string{"source"}),
		pins: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "lockstep_rolled_back_services",
			Help: "Services that lockstep rollback holds until lockstep release."}),
	}
	registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "lockstep_state_unsaved_parts",
		Help: "Parts of the state directory (ledger, manifests, history, ...) that can't be written; a restart would lose what is new in them."},
		func() float64 { return float64(unsaved()) }))
	registry.MustRegister(m.builds, m.rounds, m.failures, m.changes, m.latency, m.up, m.held, m.drifted, m.connected, m.pins)
	return m
}

// round counts one round of a gateway's worker.
func (m *Metrics) round(gateway v1.Gateway, j job, made map[plan.Op]int, held int, err error, began, ended time.Time) {
	name := string(gateway)
	m.rounds.WithLabelValues(name).Observe(ended.Sub(began).Seconds())
	m.held.WithLabelValues(name).Set(float64(held))
	for operation, n := range made {
		m.changes.WithLabelValues(name, string(operation)).Add(float64(n))
	}
	if err != nil {
		m.failures.WithLabelValues(name).Inc()
		m.up.WithLabelValues(name).Set(0)
		return
	}
	m.up.WithLabelValues(name).Set(1)
	if !j.seen.IsZero() {
		m.latency.WithLabelValues(name).Observe(ended.Sub(j.seen).Seconds())
	}
}

// source notes whether a source's stream stands.
func (m *Metrics) source(name string, connected bool) {
	value := 0.0
	if connected {
		value = 1
	}
	m.connected.WithLabelValues(name).Set(value)
}

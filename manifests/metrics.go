package manifests

import "github.com/prometheus/client_golang/prometheus"

// metrics are what a Watcher counts.
type metrics struct {
	files   *prometheus.GaugeVec
	objects *prometheus.GaugeVec
	reads   prometheus.Counter
}

func newMetrics(registerer prometheus.Registerer) *metrics {
	m := &metrics{
		files: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "lockstep_manifest_files",
			Help: "Files of manifests, by state: good, or broken (what it last said when it was good stays)."}, []string{"state"}),
		objects: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "lockstep_manifest_objects",
			Help: "Objects of manifests that count, by kind; each decK file is one, of the kind decK."}, []string{"kind"}),
		reads: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "lockstep_manifest_reads_total",
			Help: "Files of manifests that were read, as they were new or something was heard of them."}),
	}
	registerer.MustRegister(m.files, m.objects, m.reads)
	return m
}

// note counts what there is now.
func (m *metrics) note(s *shelf, now together) {
	files, broken := s.count(now.broken)
	m.files.WithLabelValues("good").Set(float64(max(files-broken, 0)))
	m.files.WithLabelValues("broken").Set(float64(broken))
	for i := range kinds {
		if kinds[i].name != kindConfig {
			m.objects.WithLabelValues(kinds[i].name).Set(float64(s.linker.objects[kinds[i].name]))
		}
	}
	m.objects.WithLabelValues(kindDeck).Set(float64(s.linker.objects[kindDeck]))
}

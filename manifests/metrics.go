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
			Help: "Objects that manifests declare and that count, by kind."}, []string{"kind"}),
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
	m.objects.WithLabelValues("Service").Set(float64(len(now.world.Services)))
	m.objects.WithLabelValues("Certificate").Set(float64(len(now.world.Certificates)))
	m.objects.WithLabelValues("KongEntities").Set(float64(len(now.world.Entities)))
	m.objects.WithLabelValues("Policy").Set(float64(len(now.world.Policies)))
	m.objects.WithLabelValues("Listener").Set(float64(len(now.world.Listeners)))
	m.objects.WithLabelValues("HAProxySection").Set(float64(len(now.world.Sections)))
}

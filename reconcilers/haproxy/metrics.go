package haproxy

import (
	"errors"
	"fmt"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
)

// metrics count what was done to HAProxy. A round that changes nothing moves
// none of the counters.
type metrics struct {
	reloads   *prometheus.CounterVec
	commands  *prometheus.CounterVec
	files     *prometheus.CounterVec
	drift     *prometheus.CounterVec
	spares    prometheus.Gauge
	expiry    *prometheus.GaugeVec
	contested prometheus.Gauge
}

// fileLabel names a file in a metric; all of the services' count as one.
func fileLabel(name string) string {
	if strings.HasPrefix(name, disk.ShardPrefix) {
		return disk.ShardPrefix + "*.cfg"
	}
	if strings.HasPrefix(name, disk.CertificatesDir+"/") {
		return disk.CertificatesDir + "/*.pem"
	}
	if strings.HasPrefix(name, disk.AuthorityPrefix) {
		return disk.AuthorityPrefix + "*.pem"
	}
	if strings.HasPrefix(name, disk.KeysPrefix) {
		return disk.KeysPrefix + "*.pem"
	}
	return name
}

func newMetrics(registry prometheus.Registerer) (*metrics, error) {
	counter := func(name, help, label string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{label})
	}
	m := &metrics{
		reloads:  counter("lockstep_haproxy_reloads_total", "Times that HAProxy was started or reloaded, by reason.", "reason"),
		commands: counter("lockstep_haproxy_runtime_commands_total", "Commands that changed something through the runtime socket.", "command"),
		files:    counter("lockstep_haproxy_files_written_total", "Files replaced in Lockstep's directory.", "file"),
		drift:    counter("lockstep_haproxy_drift_total", "Times that HAProxy or its files were found changed by others.", "what"),
		expiry: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "lockstep_haproxy_certificate_expiry_timestamp_seconds", Help: "When a certificate that HAProxy shows ends, as Unix time.",
		}, []string{"certificate"}),
		contested: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "lockstep_haproxy_certificate_conflicts", Help: "Certificates that HAProxy does not show because others bear their names, or are the default.",
		}),
		spares: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "lockstep_haproxy_spare_backends", Help: "Prepared backends left, which brand-new services take without a reload; HAProxy 3.4 needs none.",
		}),
	}
	if registry == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.reloads, m.commands, m.files, m.drift, m.spares, m.expiry, m.contested} {
		if err := registry.Register(c); err != nil && !errors.As(err, &prometheus.AlreadyRegisteredError{}) {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	return m, nil
}

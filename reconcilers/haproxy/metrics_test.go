package haproxy

import (
	"fmt"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// gather returns every counter that is not zero: name{label} value.
func gather(tb testing.TB, m *metrics) []string {
	tb.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(m.reloads, m.commands, m.files)
	families, err := registry.Gather()
	if err != nil {
		tb.Fatal(err)
	}
	var out []string
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			out = append(out, fmt.Sprintf("%s{%s}=%v", family.GetName(), metric.GetLabel()[0].GetValue(), metric.GetCounter().GetValue()))
		}
	}
	return out
}

package kong

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lockstep/lockstep/reconcilers/kong/admin"
)

// metrics count the requests to Kong. Reconcilers of several nodes share them.
type metrics struct {
	admin *admin.Metrics
	proxy *proxyMetrics
}

func newMetrics(r prometheus.Registerer) (m *metrics, err error) {
	m = &metrics{}
	if m.admin, err = admin.NewMetrics(r); err != nil {
		return nil, err
	}
	if m.proxy, err = newProxyMetrics(r); err != nil {
		return nil, err
	}
	return m, nil
}

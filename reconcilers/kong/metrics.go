package kong

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lockstep/lockstep/reconcilers/kong/admin"
	"github.com/lockstep/lockstep/reconcilers/kong/proof"
)

// metrics count the requests to Kong. Reconcilers of several nodes share them.
type metrics struct {
	admin *admin.Metrics
	proxy *proof.Metrics
}

func newMetrics(r prometheus.Registerer) (m *metrics, err error) {
	m = &metrics{}
	if m.admin, err = admin.NewMetrics(r); err != nil {
		return nil, err
	}
	if m.proxy, err = proof.NewMetrics(r); err != nil {
		return nil, err
	}
	return m, nil
}

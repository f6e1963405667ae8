package haproxy

import (
	"maps"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/instant"
	"github.com/lockstep/lockstep/reconcilers/haproxy/crt"
)

// tellExpiry brings the metric up to the certificates that are shown, and says of each
// one that has ended, once. It is still shown: to take another one in its place,
// or none, would tell people less of what is wrong.
func (r *Reconciler) tellExpiry() {
	for name := range r.dated {
		if r.model.Certs[name] == nil {
			r.metrics.expiry.DeleteLabelValues(name)
			delete(r.dated, name)
		}
	}
	if keys := r.o.Via.TLS.Keys(); keys != nil {
		r.metrics.expiry.WithLabelValues(string(v1.KongHAProxy)).Set(float64(keys.Until().Unix()))
	}
	for name, c := range r.model.Certs {
		if name == crt.Default {
			continue
		}
		r.metrics.expiry.WithLabelValues(name).Set(float64(c.Until.Unix()))
		if ended := time.Now().After(c.Until); ended && r.dated[name] != c.Version {
			r.o.Log.Warn("a certificate has ended, and is still shown: replace it", "certificate", name, "ended", instant.Text(c.Until))
			r.dated[name] = c.Version
		} else if _, known := r.dated[name]; !known {
			r.dated[name] = ""
		}
	}
}

// tellConflicts brings the metric up to the certificates that are not shown, in all or as
// the default, because others have their place, and says of each, once, for as long as it is so.
func (r *Reconciler) tellConflicts(problems []v1.Problem) {
	now := map[string]string{}
	for i := range problems {
		p := &problems[i]
		if p.Reason != v1.Conflict {
			continue
		}
		name := p.Object.Name
		if now[name] = p.Message; r.contested[name] != p.Message {
			r.o.Log.Warn("a certificate is not shown", "certificate", name, "why", p.Message, "fix", p.Fix)
		}
	}
	r.contested = maps.Clone(now)
	r.metrics.contested.Set(float64(len(now)))
}

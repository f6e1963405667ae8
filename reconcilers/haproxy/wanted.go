package haproxy

import (
	"maps"

	"github.com/lockstep/lockstep/reconcilers/haproxy/config"
	"github.com/lockstep/lockstep/reconcilers/haproxy/crt"
	"github.com/lockstep/lockstep/reconcilers/haproxy/frontend"
	"github.com/lockstep/lockstep/reconcilers/haproxy/native"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// wanted returns the model that the files are to say.
func (r *Reconciler) wanted(steps []*step) (*config.Model, *routemap.Table) {
	want := r.model.Clone()
	for _, s := range steps {
		if isBase(s) {
			want.Rebase(r.base)
		}
	}
	if want.Base() == "" {
		want.Rebase(r.base)
	}
	r.take(want, steps)
	want.Certs = nextCertificates(want.Certs, steps)
	want.SetNatives(nextNatives(want.Natives(), steps))
	want.SetOpenings(nextOpenings(want.Openings(), steps))
	want.SetRestrictions(nextRestrictions(want.Restrictions(), steps))
	if err := r.ensureDefault(want); err != nil {
		r.o.Log.Error("no certificate can be made", "error", err)
	}
	want.Renew(r.spares(), r.condition.process != processRuns)
	return want, routemap.New(r.o.Owner, want)
}

// take makes a model what the steps that have not failed say of services.
func (r *Reconciler) take(m *config.Model, steps []*step) {
	e := m.Edit()
	for _, s := range steps {
		if s.failed() {
			continue
		}
		if s.change.After != nil {
			e.Put(s.change.After.Native)
		} else {
			e.Drop(s.change.Before.Native, r.backends)
		}
	}
	e.Apply()
}

// nextOf returns what there is of one kind, by name, when the steps that have not failed are made.
func nextOf[T any](have map[string]T, steps []*step, name func(T) string) map[string]T {
	made := map[string]T{}
	maps.Copy(made, have)
	for _, s := range steps {
		one, ok := s.change.Object().Native.(T)
		switch {
		case !ok || s.failed():
		case s.change.Op == plan.Delete:
			delete(made, name(one))
		default:
			made[name(one)] = one
		}
	}
	return made
}

func nextCertificates(have map[string]*crt.Certificate, steps []*step) map[string]*crt.Certificate {
	return nextOf(have, steps, func(c *crt.Certificate) string { return c.Name })
}

func nextNatives(have map[string]*native.Section, steps []*step) map[string]*native.Section {
	return nextOf(have, steps, func(n *native.Section) string { return n.Head })
}

func nextOpenings(have map[string]*frontend.Opening, steps []*step) map[string]*frontend.Opening {
	return nextOf(have, steps, func(o *frontend.Opening) string { return o.Name })
}

func nextRestrictions(have map[string]*routemap.Restriction, steps []*step) map[string]*routemap.Restriction {
	return nextOf(have, steps, func(n *routemap.Restriction) string { return n.Name })
}

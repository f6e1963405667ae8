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

// nextCertificates applies the steps that have not failed.
func nextCertificates(have map[string]*crt.Certificate, steps []*step) map[string]*crt.Certificate {
	next := map[string]*crt.Certificate{}
	maps.Copy(next, have)
	for _, s := range steps {
		c, ok := s.change.Object().Native.(*crt.Certificate)
		switch {
		case !ok || s.failed():
		case s.change.Op == plan.Delete:
			delete(next, c.Name)
		default:
			next[c.Name] = c
		}
	}
	return next
}

// nextNatives applies the steps that have not failed.
func nextNatives(have map[string]*native.Section, steps []*step) map[string]*native.Section {
	next := map[string]*native.Section{}
	maps.Copy(next, have)
	for _, s := range steps {
		n, ok := s.change.Object().Native.(*native.Section)
		switch {
		case !ok || s.failed():
		case s.change.Op == plan.Delete:
			delete(next, n.Head)
		default:
			next[n.Head] = n
		}
	}
	return next
}

// nextOpenings applies the steps that have not failed.
func nextOpenings(have map[string]*frontend.Opening, steps []*step) map[string]*frontend.Opening {
	next := map[string]*frontend.Opening{}
	maps.Copy(next, have)
	for _, s := range steps {
		o, ok := s.change.Object().Native.(*frontend.Opening)
		switch {
		case !ok || s.failed():
		case s.change.Op == plan.Delete:
			delete(next, o.Name)
		default:
			next[o.Name] = o
		}
	}
	return next
}

// nextRestrictions applies the steps that have not failed.
func nextRestrictions(have map[string]*routemap.Restriction, steps []*step) map[string]*routemap.Restriction {
	next := map[string]*routemap.Restriction{}
	maps.Copy(next, have)
	for _, s := range steps {
		n, ok := s.change.Object().Native.(*routemap.Restriction)
		switch {
		case !ok || s.failed():
		case s.change.Op == plan.Delete:
			delete(next, n.Name)
		default:
			next[n.Name] = n
		}
	}
	return next
}

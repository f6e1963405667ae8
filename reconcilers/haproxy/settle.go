package haproxy

import (
	"errors"
	"maps"
	"slices"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/haproxy/config"
	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
)

// settle writes the files when they do not say yet what the model says.
func (r *Reconciler) settle() error {
	names := slices.Sorted(maps.Keys(r.behind.configs))
	if r.behind.all {
		err := r.writeAuthorities(r.model) // before what names them: HAProxy would not start without
		if err != nil {
			return err
		}
		if names, err = r.dir.Differing(r.model.Content()); err != nil {
			return err
		}
	}
	for _, name := range names {
		if err := r.dir.Update(name, r.model.Render(name)); err != nil {
			return err
		}
	}
	if r.behind.maps || r.behind.all {
		if err := r.writeMaps(r.model, r.table); err != nil {
			return err
		}
	}
	if r.behind.certs || r.behind.all {
		if err := r.settleCertificates(); err != nil {
			return err
		}
	}
	r.behind = behind{}
	r.condition.files = "current"
	r.tellExpiry()
	r.metrics.spares.Set(float64(len(r.free())))
	return nil
}

// unsettled says why the files do not say yet what was made at runtime, which stays made: but
// for the step that was to make good the files themselves.
func unsettled(soft []*step, err error) error {
	if problem, ok := errors.AsType[v1.Problem](err); ok && problem.Reason == v1.GatewayUnwritable {
		problem.Fix += "; what was changed at runtime stays so meanwhile, but a restart of HAProxy would lose it"
		err = problem
	}
	for _, s := range soft {
		if isBase(s) {
			failAll([]*step{s}, err)
		}
	}
	return err
}

// writeMaps makes the maps say what a model says. Files that say it already
// are not touched.
func (r *Reconciler) writeMaps(m *config.Model, t *routemap.Table) error {
	if r.o.Mode == External {
		if err := r.dir.Update(disk.Hosts, routemap.RenderHosts(r.o.Owner, routemap.Hosts(m.Routes()))); err != nil {
			return err
		}
	}
	if err := r.dir.Update(disk.Patterns, t.RenderPatterns()); err != nil {
		return err
	}
	return r.dir.Update(disk.Routes, t.Render())
}

package haproxy

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/haproxy/config"
	"github.com/lockstep/lockstep/reconcilers/haproxy/crt"
	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// Render implements reconcilers.Renderer: all files of our directory as they are to be,
// private keys aside. Where something is still to be changed they are as HAProxy would load
// them; a service that is brand-new may come to stand in a prepared backend instead.
func (r *Reconciler) Render(set v1.Set, shared v1.Shared) ([]reconcilers.File, []v1.Problem, error) {
	state, problems := r.Compile(reconcilers.Scope{}, set, shared)
	want, table := r.model, r.table
	if changes := plan.Diff(r.state(reconcilers.Scope{}), state).Changes; len(changes) > 0 {
		steps := make([]*step, len(changes))
		for i, change := range changes {
			steps[i] = &step{change: change}
		}
		if err := r.fillDefault(steps); err != nil {
			return nil, problems, err
		}
		want, table = r.wanted(steps)
	}
	return r.printed(want, table), problems, nil
}

// printed returns the files that say what a model says: the configuration in the order in
// which HAProxy reads it, and then what that names.
func (r *Reconciler) printed(m *config.Model, t *routemap.Table) []reconcilers.File {
	var files []reconcilers.File
	add := func(name string, text []byte) {
		if text != nil {
			files = append(files, reconcilers.File{Name: name, Path: r.dir.File(name), Text: string(text)})
		}
	}
	for _, name := range m.Files() {
		add(name, m.Render(name))
	}
	add(disk.Routes, t.Render())
	add(disk.Patterns, t.RenderPatterns())
	if r.o.Mode == External {
		add(disk.Hosts, routemap.RenderHosts(r.o.Owner, routemap.Hosts(m.Routes())))
	}
	if m.EndsTLS() {
		add(disk.Certificates, crt.Render(r.o.Owner, r.dir.Path, m.Certs))
	}
	for _, status := range slices.Sorted(maps.Keys(r.pages)) {
		add(filepath.Base(r.pages[status].File), r.pages[status].Text)
	}
	for _, a := range r.issuersOf(m) {
		if strings.HasPrefix(filepath.Base(a.file), disk.KeysPrefix) {
			continue
		}
		add(filepath.Base(a.file), a.text)
	}
	return files
}

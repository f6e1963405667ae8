package haproxy

import (
	"slices"
	"strings"

	"github.com/lockstep/lockstep/reconcilers/haproxy/config"
)

// HAProxy before 3.4 gets a new backend by a reload only. So that a brand-new service
// needs none, backends of default options are prepared, all alike: a service
// takes one (assign), and HAProxy knows it by that name from then on (config/spares.go).
//
// One that was used once is not given to another service before the next
// reload: requests that wait in it, or are about to be tried again, would reach
// a stranger.

// spares returns how many backends of each pool are to be prepared.
func (r *Reconciler) spares() []int {
	if r.can().addsBackends {
		return nil
	}
	want := []int{r.o.Spares}
	if r.o.streams() {
		want = append(want, min(r.o.Spares, streamSpares))
	}
	return want
}

// free returns the prepared backends that a service may take.
func (r *Reconciler) free() []*config.Backend {
	var free []*config.Backend
	if pool := r.model.Section(""); pool != nil {
		for _, b := range pool.Backends {
			if !b.Retired && len(b.Servers) == 0 && r.backends[b.Spare] {
				free = append(free, b)
			}
		}
	}
	return free
}

// assign gives services that are brand-new and ask for default options a backend
// each: one that HAProxy adds, or a prepared one, as far as there are some.
func (r *Reconciler) assign(rt *runtime, steps []*step) {
	fresh := r.unheard(steps)
	if len(fresh) == 0 || r.condition.process != processRuns || r.condition.loaded != "yes" {
		return
	}
	e := r.model.Edit()
	if r.can().addsBackends {
		for _, b := range rt.addBackends(fresh) {
			e.Keep(b)
			r.backends[b.Name()] = true
		}
	} else {
		free := r.free()
		for _, b := range fresh {
			i := slices.IndexFunc(free, func(spare *config.Backend) bool { return spare.Settings == b.Settings })
			if i < 0 {
				continue
			}
			next := *b
			next.Spare = free[i].Spare
			free = slices.Delete(free, i, i+1)
			e.Forget("", next.Spare)
			e.Keep(&next)
		}
	}
	e.Apply()
}

// unheard returns the backends of default options that are asked for and of
// which neither the model nor the process knows.
func (r *Reconciler) unheard(steps []*step) []*config.Backend {
	var backends []*config.Backend
	for _, s := range steps {
		if s.change.After == nil {
			continue
		}
		if b, ok := s.change.After.Native.(*config.Backend); ok && b.Standard() && !r.model.Knows(b) && !r.backends[b.Name()] {
			backends = append(backends, b)
		}
	}
	return backends
}

// targets returns the backends that a running map names.
func targets(owner string, routes map[string]string, patterns []string) map[string]bool {
	out := map[string]bool{}
	add := func(value string) {
		name, _, _ := strings.Cut(value, "|")
		out[strings.TrimPrefix(name, owner+":")] = true
	}
	for _, value := range routes {
		add(value)
	}
	for _, line := range patterns {
		_, value, _ := strings.Cut(line, " ")
		add(value)
	}
	return out
}

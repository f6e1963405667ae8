package manifests

import (
	"fmt"
	"maps"
	"slices"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// hintsOf names the services and routes that are referred to and that no file declares, where
// one of nearly the same name is declared. Labels may make them, so that is no problem; a
// mistyped name looks just the same. What is meant by files that are wrong is declared.
func hintsOf(w World, meant []v1.Key) []v1.Problem {
	h := hints{known: map[v1.Kind][]string{}}
	for _, key := range meant {
		key = ownKind(key)
		h.known[key.Kind] = append(h.known[key.Kind], key.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(w.Services)) {
		d := w.Services[name]
		if !d.Addition {
			h.known[v1.KindService] = append(h.known[v1.KindService], name)
		}
		for i := range d.Service.Routes {
			h.known[v1.KindRoute] = append(h.known[v1.KindRoute], d.Service.Routes[i].Name)
		}
	}
	for _, e := range w.Entities {
		h.known[e.Kind] = append(h.known[e.Kind], e.Name, e.ID)
	}
	for _, e := range w.Entities {
		for _, ref := range e.Refs {
			if ref.Kind == v1.KindService || ref.Kind == v1.KindRoute {
				h.look(v1.Key{Kind: ref.Kind, Name: ref.Name}, ref.Origin)
			}
		}
	}
	for name, d := range w.Services {
		if d.Addition {
			for _, p := range d.Service.Plugins {
				h.look(v1.Key{Kind: v1.KindService, Name: name}, p.Origin)
			}
		}
		for route, plugins := range d.OnRoutes {
			for _, p := range plugins {
				h.look(v1.Key{Kind: v1.KindRoute, Name: route}, p.Origin)
			}
		}
	}
	return sorted(h.found)
}

// hints are what is found on the way.
type hints struct {
	known map[v1.Kind][]string
	found []v1.Problem
}

func (h *hints) look(name v1.Key, at v1.Origin) {
	if slices.Contains(h.known[name.Kind], name.Name) {
		return
	}
	if near := v1.Nearest(name.Name, h.known[name.Kind]); near != "" {
		h.found = append(h.found, v1.Problem{
			Reason: v1.InvalidManifest, Object: name, Origin: at,
			Message: fmt.Sprintf("no file declares the %s %q; unless labels make it, this holds for nothing", name.Kind, name.Name),
			Fix:     fmt.Sprintf("did you mean %s?", near),
		})
	}
}

package manifests

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lockstep/lockstep/api/policy"
	v1 "github.com/lockstep/lockstep/api/v1"
)

// World is what all files declare together. It is immutable.
type World struct {
	// Services are by name; routes and plugins that are declared apart stand in them.
	// Those that are an Addition no manifest declares.
	Services map[string]*v1.Declared
	// Certificates, Sections, Listeners and Policies are sorted by name.
	Certificates []*Certificate
	Sections     []v1.Section
	Listeners    []v1.Listener
	// Entities are sorted by kind and name. In their bodies stand references to secrets.
	Entities []*v1.Entity
	Policies policy.Set
}

// Candidate is one file as it may enter the world.
type Candidate struct {
	Path string
	// Versions are what may stand for it, the best first: what it says now, and
	// what it said when it was last good. What is no manifest has no version.
	Versions []File
	// Current says that the first version is what it says now.
	Current bool
	// Settled says that the first version was there before.
	Settled bool
}

// Linked is what came of putting files together.
type Linked struct {
	World World
	// Taken says for each candidate which of its versions counts; -1: none.
	Taken []int
	// Whole says for each candidate that all of what it says now counts.
	Whole []bool
	// Problems are sorted by place.
	Problems []v1.Problem
}

// Link puts files together. Where two give one name to different things, those
// that were there before stand, and the newcomer's last good version is taken; so
// it is where a reference leads nowhere. What has no such version is taken
// without the objects that are wrong. The same candidates give the same answer,
// whatever their order. It is pure.
func Link(candidates []Candidate) Linked {
	l := &linking{candidates: candidates, taken: make([]int, len(candidates)), found: make([][]v1.Problem, len(candidates))}
	for i := range candidates {
		l.order = append(l.order, i)
	}
	slices.SortFunc(l.order, func(a, b int) int {
		return cmp.Or(trueFirst(candidates[a].Settled, candidates[b].Settled), cmp.Compare(candidates[a].Path, candidates[b].Path))
	})
	l.place()
	for l.fallBack(l.twice) || l.fallBack(l.dangling) {
		l.place()
	}
	return l.result()
}

func trueFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// linking is the work on one world.
type linking struct {
	candidates []Candidate
	order      []int // of the candidates: who is there before whom
	taken      []int // which version of each counts for now
	found      [][]v1.Problem

	owners   map[v1.Key]*Object   // who has which name
	listen   []*v1.Listener       // Listeners that have what they ask for
	left     map[*Object]bool     // objects that do not count
	twice    map[int][]v1.Problem // by candidate: names, addresses and hosts that somebody else has
	dangling map[int][]v1.Problem // by candidate: references that lead nowhere
}

// objects returns what counts of a candidate for now.
func (l *linking) objects(i int) []Object {
	if l.taken[i] >= len(l.candidates[i].Versions) {
		return nil
	}
	return l.candidates[i].Versions[l.taken[i]].Objects
}

// place gives every name to the first that takes it, and follows references.
func (l *linking) place() {
	names := max(len(l.owners), 2*len(l.candidates)) // most files hold a service with one route
	l.owners, l.left, l.listen = make(map[v1.Key]*Object, names), map[*Object]bool{}, nil
	l.twice, l.dangling = map[int][]v1.Problem{}, map[int][]v1.Problem{}
	for _, i := range l.order {
		objects := l.objects(i)
		for n := range objects {
			l.admit(i, &objects[n])
		}
	}
	for _, i := range l.order {
		objects := l.objects(i)
		for n := range objects {
			l.follow(i, &objects[n])
		}
	}
}

// admit gives an object its names, or leaves it out.
func (l *linking) admit(i int, o *Object) {
	for key := range o.keys {
		if owner, has := l.owners[key.Key]; has {
			l.left[o] = true
			l.twice[i] = append(l.twice[i], twiceProblem(key, owner.placeOf(key.Key)))
			return
		}
	}
	if o.Listener != nil {
		for _, first := range l.listen {
			if problem := clash(o.Listener, first); problem != nil {
				l.left[o] = true
				l.twice[i] = append(l.twice[i], *problem)
				return
			}
		}
		l.listen = append(l.listen, o.Listener)
	}
	for key := range o.keys {
		l.owners[key.Key] = o
	}
}

// follow leaves an object out that refers to nothing.
func (l *linking) follow(i int, o *Object) {
	if o.PluginOn != nil && !l.left[o] {
		l.followPlugin(i, o)
	}
	if o.Route == nil || l.left[o] {
		return
	}
	if _, has := l.owners[v1.Key{Kind: v1.KindService, Name: o.Route.Service}]; has {
		return
	}
	l.left[o] = true
	l.dangling[i] = append(l.dangling[i], v1.Problem{
		Reason: v1.InvalidManifest, Object: v1.Key{Kind: v1.KindRoute, Name: o.Route.Route.Name}, Origin: o.Route.At,
		Message: fmt.Sprintf("no manifest declares the service %q", o.Route.Service),
		Fix:     l.nearest(o.Route.Service),
	})
}

// nearest is the advice for a service that nobody declares.
func (l *linking) nearest(name string) string {
	var known []string
	for key := range l.owners {
		if key.Kind == v1.KindService {
			known = append(known, key.Name)
		}
	}
	fix := "declare it: a Service without a spec leaves everything to the labels of its containers"
	if near := v1.Nearest(name, known); near != "" {
		fix = fmt.Sprintf("did you mean %s? If not, %s", near, fix)
	}
	return fix
}

// fallBack takes the next version of every candidate that has problems and a
// next version, and reports whether any had.
func (l *linking) fallBack(problems map[int][]v1.Problem) bool {
	fell := false
	for i, found := range problems {
		if l.taken[i]+1 < len(l.candidates[i].Versions) {
			l.found[i] = append(l.found[i], found...)
			l.taken[i]++
			fell = true
		}
	}
	return fell
}

// result collects what counts.
func (l *linking) result() Linked {
	out := Linked{World: World{Services: make(map[string]*v1.Declared, len(l.candidates))}, Whole: make([]bool, len(l.candidates)), Taken: l.taken}
	var routes []*Route
	var plugins []*PluginOn
	for _, i := range l.order {
		l.found[i] = append(l.found[i], l.twice[i]...)
		l.found[i] = append(l.found[i], l.dangling[i]...)
		out.Problems = append(out.Problems, l.found[i]...)
		if l.taken[i] >= len(l.candidates[i].Versions) {
			l.taken[i] = -1
			continue
		}
		out.Whole[i] = l.candidates[i].Current && l.taken[i] == 0 && len(l.found[i]) == 0
		objects := l.objects(i)
		for n := range objects {
			if o := &objects[n]; !l.left[o] {
				out.World.add(o)
				if o.Route != nil {
					routes = append(routes, o.Route)
				}
				if o.PluginOn != nil {
					plugins = append(plugins, o.PluginOn)
				}
			}
		}
	}
	out.World.attach(routes)
	out.Problems = append(out.Problems, out.World.attachPlugins(plugins)...)
	slices.SortFunc(out.World.Entities, func(a, b *v1.Entity) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Origin.File, b.Origin.File), cmp.Compare(a.Origin.Line, b.Origin.Line))
	})
	slices.SortFunc(out.World.Certificates, func(a, b *Certificate) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(out.World.Sections, func(a, b v1.Section) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(out.World.Listeners, func(a, b v1.Listener) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(out.World.Policies, func(a, b *policy.Policy) int { return cmp.Compare(a.Name, b.Name) })
	out.Problems = slices.Compact(sorted(out.Problems))
	return out
}

// add adds what an object declares, routes aside.
func (w *World) add(o *Object) {
	switch {
	case o.Service != nil:
		w.Services[o.Name] = o.Service
	case o.Certificate != nil:
		w.Certificates = append(w.Certificates, o.Certificate)
	case o.Section != nil:
		w.Sections = append(w.Sections, *o.Section)
	case o.Listener != nil:
		w.Listeners = append(w.Listeners, *o.Listener)
	case o.Policy != nil:
		w.Policies = append(w.Policies, o.Policy)
	}
	w.Entities = append(w.Entities, o.Entities...)
}

// attach adds routes that are declared apart to copies of their services.
func (w *World) attach(routes []*Route) {
	changed := map[string]*v1.Declared{}
	for _, route := range routes {
		service := changed[route.Service]
		if service == nil {
			next := *w.Services[route.Service]
			next.Service.Routes = slices.Clone(next.Service.Routes)
			service = &next
			changed[route.Service] = service
		}
		service.Service.Routes = append(service.Service.Routes, route.Route)
	}
	for _, service := range changed {
		slices.SortFunc(service.Service.Routes, func(a, b v1.Route) int { return strings.Compare(a.Name, b.Name) })
	}
	maps.Copy(w.Services, changed)
}

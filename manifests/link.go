package manifests

import (
	"cmp"
	"fmt"
	"slices"

	v1 "github.com/lockstep/lockstep/api/v1"
)

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

	tree  bool         // it is of the repository, and not of a folder
	wrong []v1.Problem // what it says now is no manifest, and why
	named []v1.Key     // what it would declare if it were none the less
}

// Linked is what came of putting files together.
type Linked struct {
	World World
	// Taken says for each candidate which of its versions counts; -1: none.
	Taken []int
	// Whole says for each candidate that all of what it says now counts.
	Whole []bool
	// Objects says how many objects count, by kind as it was written.
	Objects map[string]int
	// Problems are sorted by place.
	Problems []v1.Problem
}

// Link puts files together. Where two give one name to different things, those
// that were there before stand, and the newcomer's last good version is taken; so
// it is where a reference leads nowhere. What has no such version is taken
// without the objects that are wrong. The same candidates give the same answer,
// whatever their order. It is pure.
func Link(candidates []Candidate) Linked {
	linked, findings := link(candidates)
	linked.Problems = newAdvice().complete(findings, linked.World.Services)
	return linked
}

// link is Link of files that may be some of many, so that it can't say which names there
// are: what it found lacks that yet.
func link(candidates []Candidate) (Linked, []finding) {
	l := &linking{candidates: candidates, taken: make([]int, len(candidates)), found: make([][]finding, len(candidates)), order: make([]int, len(candidates))}
	for i := range candidates {
		l.order[i] = i
		for _, problem := range candidates[i].wrong {
			l.found[i] = append(l.found[i], finding{Problem: problem})
		}
		for _, name := range candidates[i].named {
			l.breaks(name, candidates[i].Path)
		}
	}
	slices.SortFunc(l.order, func(i, j int) int {
		a, b := &candidates[i], &candidates[j]
		return cmp.Or(trueFirst(a.Settled, b.Settled), cmp.Compare(a.Path, b.Path), trueFirst(b.tree, a.tree))
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

// finding is a problem of which the advice may be to come.
type finding struct {
	v1.Problem
	missing string // the service that nobody declares, if that is the problem
}

// linking is the work on one world.
type linking struct {
	candidates []Candidate
	order      []int // of the candidates: who is there before whom
	taken      []int // which version of each counts for now
	found      [][]finding

	owners   map[v1.Key]*Object     // who has which name
	broken   map[v1.Key]string      // which file would declare what if it were right
	listen   []*v1.Listener         // Listeners that have what they ask for
	plugins  map[pluginAt]v1.Origin // those that are declared apart and have what they ask for
	left     map[*Object]bool       // objects that do not count
	twice    map[int][]finding      // by candidate: names, addresses and hosts that somebody else has
	dangling map[int][]finding      // by candidate: references that lead nowhere
}

// objects returns what counts of a candidate for now.
func (l *linking) objects(i int) []Object {
	if l.taken[i] >= len(l.candidates[i].Versions) {
		return nil
	}
	return l.candidates[i].Versions[l.taken[i]].Objects
}

// each calls do for what counts of each candidate for now, in their order.
func (l *linking) each(do func(i int, o *Object)) {
	for _, i := range l.order {
		objects := l.objects(i)
		for n := range objects {
			if o := &objects[n]; !l.left[o] {
				do(i, o)
			}
		}
	}
}

// place gives every name to the first that takes it, and follows references.
func (l *linking) place() {
	names := max(len(l.owners), 2*len(l.candidates)) // most files hold a service with one route
	l.owners, l.listen = make(map[v1.Key]*Object, names), nil
	l.plugins, l.left, l.twice, l.dangling = nil, nil, nil, nil // most files need none of these
	l.each(l.admit)
	l.each(l.follow)
	l.each(l.pair)
}

// refuse leaves an object out for now, as something that it asks for is taken.
func (l *linking) refuse(i int, o *Object, problem v1.Problem) {
	l.leave(i, o, &l.twice, finding{Problem: problem})
}

// leave leaves an object out for now, and notes why; with nowhere to note it nobody is told.
func (l *linking) leave(i int, o *Object, among *map[int][]finding, why finding) {
	if l.left == nil {
		l.left = map[*Object]bool{}
	}
	if among != nil && *among == nil {
		*among = map[int][]finding{}
	}
	if l.left[o] = true; among == nil {
		return
	}
	(*among)[i] = append((*among)[i], why)
}

// admit gives an object its names, or leaves it out.
func (l *linking) admit(i int, o *Object) {
	for key := range o.keys {
		if owner, has := l.owners[key.Key]; has {
			l.refuse(i, o, twiceProblem(key, owner.placeOf(key.Key)))
			return
		}
	}
	if o.Listener != nil {
		for _, first := range l.listen {
			if problem := clash(o.Listener, first); problem != nil {
				l.refuse(i, o, *problem)
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
	var problem *finding
	switch {
	case o.Route != nil:
		problem = l.followRoute(o)
	case o.PluginOn != nil:
		problem = l.followPlugin(o)
	}
	if problem != nil {
		l.leave(i, o, &l.dangling, *problem)
	}
}

// breaks notes that a file that is wrong would declare something: of several files the first.
func (l *linking) breaks(name v1.Key, path string) {
	if l.broken == nil {
		l.broken = map[v1.Key]string{}
	}
	if first, has := l.broken[name]; !has || path < first {
		l.broken[name] = path
	}
}

// followRoute says what is wrong with a route that belongs to no service.
func (l *linking) followRoute(o *Object) *finding {
	service := v1.Key{Kind: v1.KindService, Name: o.Route.Service}
	if _, has := l.owners[service]; has {
		return nil
	}
	found := &finding{Problem: v1.Problem{
		Reason: v1.InvalidManifest, Object: v1.Key{Kind: v1.KindRoute, Name: o.Route.Route.Name}, Origin: o.Route.At,
	}}
	path, broken := l.broken[service]
	if broken && path == o.Route.At.File { // said where it stands
		l.leave(0, o, nil, finding{})
		return nil
	}
	if broken {
		found.Message, found.Fix = fmt.Sprintf("the service %q is declared in %s, which is wrong", service.Name, path), "correct that file first"
	} else {
		found.Message, found.missing = fmt.Sprintf("no manifest declares the service %q", service.Name), service.Name
	}
	return found
}

// fallBack takes the next version of every candidate that has problems and a
// next version, and reports whether any had.
func (l *linking) fallBack(problems map[int][]finding) bool {
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
func (l *linking) result() (Linked, []finding) {
	out := Linked{World: World{Services: make(map[string]*v1.Declared, len(l.candidates))}, Whole: make([]bool, len(l.candidates)), Taken: l.taken, Objects: map[string]int{}}
	var findings []finding
	for i := range l.candidates {
		l.found[i] = slices.Concat(l.found[i], l.twice[i], l.dangling[i])
		findings = append(findings, l.found[i]...)
		out.Whole[i] = l.candidates[i].Current && l.taken[i] == 0 && len(l.found[i]) == 0
	}
	var routes []*Route
	var plugins []*PluginOn
	l.each(func(_ int, o *Object) {
		out.World.add(o)
		out.Objects[o.Kind]++
		if o.Route != nil {
			routes = append(routes, o.Route)
		}
		if o.PluginOn != nil {
			plugins = append(plugins, o.PluginOn)
		}
	})
	out.World.attach(routes)
	out.World.attachPlugins(plugins)
	out.World.sort()
	for i := range l.candidates {
		if l.taken[i] >= len(l.candidates[i].Versions) {
			l.taken[i] = -1
		}
	}
	return out, findings
}

package manifests

import (
	"cmp"
	"reflect"
	"slices"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// linker keeps the world that many files make together. What changes is linked anew beside
// all that it is tied to, and the rest of the world stands as it is: the same Link, on fewer
// files.
type linker struct {
	members map[fileKey]*member
	ties    map[v1.Key][]*member // by what ties them to each other
	loose   map[*member]bool     // those that are to be linked
	wrong   map[*part]bool       // where something was found
	advice  *advice

	// world is what all parts make together. Its services change in place, its lists never do.
	world    World
	objects  map[string]int          // how many count, by kind
	problems []v1.Problem            // sorted by place
	touched  map[string]bool         // services that may be others since somebody asked
	linked   map[*member]bool        // files that were linked since
	out, in  World                   // what is to leave its lists and to enter them
	was      map[string]*v1.Declared // services as they were before what is going on
	stale    bool                    // what was found is other than problems say
}

// fileKey tells the files apart: one of a folder and one of the repository may have one path.
type fileKey struct {
	tree bool
	path string
}

// member is a file that is part of the world.
type member struct {
	Candidate
	ties []v1.Key
	part *part // nil until it is linked
	at   int   // where it is among the part's members
}

// part is what some files make together that nothing ties to any other.
type part struct {
	members  []*member
	linked   Linked
	findings []finding
}

// whole reports whether all counts of what the file says now.
func (m *member) whole() bool { return m.part.linked.Whole[m.at] }

func newLinker() *linker {
	return &linker{
		members: map[fileKey]*member{}, ties: map[v1.Key][]*member{}, loose: map[*member]bool{}, wrong: map[*part]bool{}, advice: newAdvice(),
		world: World{Services: map[string]*v1.Declared{}}, objects: map[string]int{}, touched: map[string]bool{}, linked: map[*member]bool{}, was: map[string]*v1.Declared{},
	}
}

// set takes in what a file says, or another standing of it, and reports whether that is news.
func (l *linker) set(c Candidate) bool {
	at := fileKey{c.tree, c.Path}
	m := l.members[at]
	switch {
	case m == nil:
		m = &member{Candidate: c}
		l.members[at] = m
		l.loose[m] = true
	case c.same(&m.Candidate):
		return false
	case m.part != nil && len(m.part.findings) == 0 && len(c.wrong) == 0 && c.first().same(m.first()):
		// Where all is right, nobody needs to know who was there before whom.
	default:
		l.loosen(m)
	}
	known := slices.EqualFunc(c.Versions, m.Versions, File.same) && slices.Equal(c.named, m.named) && m.ties != nil
	if m.Candidate = c; !known {
		l.tie(m, c.ties())
	}
	return true
}

// drop forgets a file.
func (l *linker) drop(at fileKey) {
	if m := l.members[at]; m != nil {
		l.loosen(m)
		l.tie(m, nil)
		delete(l.members, at)
		delete(l.loose, m)
		delete(l.linked, m)
	}
}

// tie ties a file to others, and no longer to those that it was tied to.
func (l *linker) tie(m *member, ties []v1.Key) {
	if slices.Equal(m.ties, ties) {
		return
	}
	for _, key := range m.ties {
		if rest := slices.DeleteFunc(l.ties[key], func(other *member) bool { return other == m }); len(rest) > 0 {
			l.ties[key] = rest
		} else {
			delete(l.ties, key)
		}
	}
	m.ties = ties
	for _, key := range ties {
		l.ties[key] = append(l.ties[key], m)
	}
}

// loosen takes the part that a file is in out of the world.
func (l *linker) loosen(m *member) {
	p := m.part
	if p == nil {
		return
	}
	for _, other := range p.members {
		other.part = nil
		l.loose[other] = true
	}
	l.stale = l.stale || l.wrong[p]
	delete(l.wrong, p)
	for name := range p.linked.World.Services {
		l.touch(name)
		delete(l.world.Services, name)
	}
	for kind, n := range p.linked.Objects {
		l.objects[kind] -= n
	}
	l.out.addLists(&p.linked.World)
}

// touch notes what a service was.
func (l *linker) touch(name string) {
	if _, has := l.was[name]; !has {
		l.was[name] = l.world.Services[name]
	}
}

// link puts together what changed.
func (l *linker) link() {
	for len(l.loose) > 0 {
		for m := range l.loose {
			l.join(l.reach(m))
		}
	}
	l.exchange()
	var came, gone []string
	for name, before := range l.was {
		now := l.world.Services[name]
		if before != now {
			l.touched[name] = true
		}
		switch {
		case isDeclared(now) && !isDeclared(before):
			came = append(came, name)
		case isDeclared(before) && !isDeclared(now):
			gone = append(gone, name)
		}
	}
	l.was, l.loose = map[string]*v1.Declared{}, map[*member]bool{} // new ones: what a start made large is slow to walk through
	l.advice.heed(came, gone)
	if l.stale = l.stale || len(l.wrong) > 0 && len(came)+len(gone) > 0; l.stale {
		var found []finding
		for p := range l.wrong {
			found = append(found, p.findings...)
		}
		l.problems, l.stale = l.advice.complete(found, l.world.Services), false
	}
}

// broken returns the files in folders of which not all counts that they say now.
func (l *linker) broken() []*member {
	var broken []*member
	for p := range l.wrong {
		for _, m := range p.members {
			if !m.tree && !m.whole() {
				broken = append(broken, m)
			}
		}
	}
	return broken
}

// reach returns a file that is to be linked with all that it is tied to, near and far. Parts
// that it reaches are taken out of the world.
func (l *linker) reach(from *member) []*member {
	delete(l.loose, from)
	reached := []*member{from}
	for i := 0; i < len(reached); i++ {
		for _, key := range reached[i].ties {
			for _, other := range l.ties[key] {
				if l.loosen(other); l.loose[other] {
					delete(l.loose, other)
					reached = append(reached, other)
				}
			}
		}
	}
	return reached
}

// join links files, and takes what they make into the world.
func (l *linker) join(members []*member) {
	p := &part{members: members}
	candidates := make([]Candidate, len(members))
	for i, m := range members {
		candidates[i], m.part, m.at = m.Candidate, p, i
		l.linked[m] = true
	}
	p.linked, p.findings = link(candidates)
	if len(p.findings) > 0 {
		l.wrong[p], l.stale = true, true
	}
	for name, service := range p.linked.World.Services {
		l.touch(name)
		l.world.Services[name] = service
	}
	for kind, n := range p.linked.Objects {
		l.objects[kind] += n
	}
	l.in.addLists(&p.linked.World)
}

// exchange brings the lists up to date.
func (l *linker) exchange() {
	w, out, in := &l.world, &l.out, &l.in
	out.sort()
	in.sort()
	w.Certificates = exchanged(w.Certificates, out.Certificates, in.Certificates, orderCertificates)
	w.Sections = exchanged(w.Sections, out.Sections, in.Sections, orderSections)
	w.Listeners = exchanged(w.Listeners, out.Listeners, in.Listeners, orderListeners)
	w.Entities = exchanged(w.Entities, out.Entities, in.Entities, orderEntities)
	w.Policies = exchanged(w.Policies, out.Policies, in.Policies, orderPolicies)
	l.out, l.in = World{}, World{}
}

// exchanged returns a sorted list without some items and with others: the very same list
// where these say the same.
func exchanged[L ~[]T, T any](list, out, in L, order func(a, b T) int) L {
	if reflect.DeepEqual(out, in) {
		return list
	}
	if len(list)+len(in) == len(out) {
		return nil
	}
	made := make(L, 0, len(list)+len(in)-len(out))
	for _, item := range list {
		if len(out) > 0 && order(item, out[0]) == 0 {
			out = out[1:]
			continue
		}
		for len(in) > 0 && order(in[0], item) < 0 {
			made, in = append(made, in[0]), in[1:]
		}
		made = append(made, item)
	}
	return append(made, in...)
}

// ties are what a file is tied to others by.
func (c *Candidate) ties() []v1.Key {
	var ties []v1.Key
	for _, version := range c.Versions {
		for i := range version.Objects {
			version.Objects[i].ties(func(key v1.Key) { ties = append(ties, key) })
		}
	}
	for _, name := range c.named {
		if name.Kind == v1.KindService {
			ties = append(ties, name)
		}
	}
	slices.SortFunc(ties, func(a, b v1.Key) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name)) })
	return slices.Compact(ties)
}

// first returns the best version; an empty one where there is none.
func (c *Candidate) first() File {
	if len(c.Versions) == 0 {
		return File{}
	}
	return c.Versions[0]
}

// same reports whether it is the same as another one, read once.
func (c *Candidate) same(o *Candidate) bool {
	return c.Current == o.Current && c.Settled == o.Settled && slices.EqualFunc(c.Versions, o.Versions, File.same) && slices.Equal(c.wrong, o.wrong) && slices.Equal(c.named, o.named)
}

// same reports whether it is the same file, read once.
func (f File) same(o File) bool {
	return len(f.Objects) == len(o.Objects) && (len(f.Objects) == 0 || &f.Objects[0] == &o.Objects[0])
}

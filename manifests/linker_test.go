package manifests

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// object writes an object of any kind.
func object(kind, name, spec string) string {
	return fmt.Sprintf("---\napiVersion: lockstep.dev/v1\nkind: %s\nmetadata: {name: %s}\nspec: {%s}\n", kind, name, spec)
}

// stroll changes files at random, such as often get into each other's way.
type stroll struct {
	t       *testing.T
	random  *rand.Rand
	shelf   *shelf
	reveal  *revealer
	told    map[string]*v1.Declared // what was told of services, one change after the other
	texts   map[string]string       // of the files that are there
	commits int
}

// pick returns one of some texts.
func (s *stroll) pick(texts ...string) string { return texts[s.random.IntN(len(texts))] }

// text writes a file.
func (s *stroll) text() string {
	var b strings.Builder
	for range 1 + s.random.IntN(3) {
		service, number := s.pick("a", "b", "c", "d.e", "baa"), s.random.IntN(3)
		b.WriteString(s.pick(
			object("Service", service, fmt.Sprintf("paths: [/%d]", number)),
			object("Service", service, fmt.Sprintf("paths: [/%d], plugins: {cors: true}", number)),
			object("Service", service, fmt.Sprintf("routes: {r%d: {paths: [/x], plugins: {cors: {config: {x: '${env:PATH}'}}}}}", number)),
			route(fmt.Sprintf("r%d", number), service, "/r"),
			route(fmt.Sprintf("r%d", number), service+"x", "/r"),
			plugin(fmt.Sprintf("p%d", number), "name: cors, service: "+service),
			plugin(fmt.Sprintf("p%d", number), fmt.Sprintf("name: cors, route: %s.r%d", service, number)),
			plugin(fmt.Sprintf("p%d", number), "name: cors"),
			object("KongEntities", "k", fmt.Sprintf("services: [{name: %s, url: 'http://x'}], consumers: [{username: u%d}]", service, number)),
			object("Consumer", fmt.Sprintf("u%d", number), "credentials: {key-auth: [{key: '${env:PATH}'}]}"),
			object("Listener", fmt.Sprintf("l%d", number), fmt.Sprintf("bind: [':%d'], hosts: [%s.test]", 81+s.random.IntN(3), service)),
			object("Listener", fmt.Sprintf("l%d", number), fmt.Sprintf("bind: [':%d'], hosts: ['*.test'], exclusive: true", 81+s.random.IntN(3))),
			object("Policy", fmt.Sprintf("h%d", number), "rules: [{require: 'hosts == []', message: no}]"),
			object("Certificate", fmt.Sprintf("c%d", number), "certificate: '${env:PATH}', key: '${env:PATH}'"),
			object("HAProxySection", fmt.Sprintf("s%d", number), "section: backend"),
			"---\n"+s.pick(badPolicy, badAlone, badService, "kind: ["),
		))
	}
	return b.String()
}

// step does something to some file, or to the repository.
func (s *stroll) step() {
	path := fmt.Sprintf("%c.yaml", 'a'+s.random.IntN(9))
	switch s.random.IntN(14) {
	case 0:
		s.shelf.fail(path, errors.New("permission denied"))
		s.texts[path] = ""
	case 1, 2:
		delete(s.texts, path)
		s.shelf.forget([]string{path})
	case 3:
		s.commits++
		tree := &Tree{Commit: fmt.Sprint(s.commits), Terms: "t"}
		for i := range s.random.IntN(4) {
			tree.Leaves = append(tree.Leaves, Leaf{Path: fmt.Sprintf("%c.yaml", 'a'+i), Text: []byte(s.text())})
		}
		s.shelf.plant(tree)
	case 4:
		s.restart()
	case 5: // nothing
	default:
		s.texts[path] = s.text()
		s.shelf.say(path, s.texts[path])
	}
}

// restart reads all files for the first time, with what is remembered.
func (s *stroll) restart() {
	var standing *Tree
	if s.shelf.standing != nil {
		standing = &s.shelf.standing.Tree
	}
	tree := s.shelf.tree
	s.shelf, s.reveal = newShelf(maps.Collect(s.shelf.memory.All()), standing), newRevealer()
	for path, text := range s.texts {
		s.shelf.say(path, text)
	}
	if tree != nil {
		s.shelf.plant(&tree.Tree)
	}
	clear(s.told)
}

// anew returns the same shelf, in which everything is yet to be put together.
func (s *shelf) anew() *shelf {
	next := *s
	next.files, next.changed, next.memory = map[string]*known{}, map[string]bool{}, s.memory.Clone()
	for path, k := range s.files {
		copied := *k
		next.files[path], next.changed[path] = &copied, true
	}
	next.linker, next.brought = newLinker(), brought{}
	return &next
}

// TestLinkerIsLink: what is put together one change after the other is what comes of putting
// everything together at once, in the same steps and in one go.
func TestLinkerIsLink(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		s := &stroll{
			t: t, random: rand.New(rand.NewPCG(seed, 5)), shelf: newShelf(map[string][]byte{}, nil), reveal: newRevealer(), //nolint:gosec // a walk, not secrets
			told: map[string]*v1.Declared{}, texts: map[string]string{},
		}
		for n := range 60 {
			for range 1 + s.random.IntN(2) {
				s.step()
			}
			whole := s.shelf.anew()
			s.shelf.memory.Saved()
			now := s.shelf.link()
			s.sameAs(fmt.Sprintf("walk %d, step %d", seed, n), whole, now)
			if t.Failed() {
				return
			}
		}
	}
}

// sameAs compares what was linked with what comes of linking everything.
func (s *stroll) sameAs(where string, whole *shelf, now together) {
	s.t.Helper()
	want := whole.link()
	if diff := cmp.Diff(inWordsOf(want), inWordsOf(now)); diff != "" || !reflect.DeepEqual(want.world, now.world) || !reflect.DeepEqual(want.problems, now.problems) || want.broken != now.broken {
		s.t.Errorf("%s: linked one by one it is another world (-all +one by one):\n%s", where, diff)
	}
	more := s.shelf.anew()
	if again := more.link(); !reflect.DeepEqual(again.world, now.world) || !reflect.DeepEqual(again.problems, now.problems) || more.memory.Changed() {
		s.t.Errorf("%s: looking again it is another world (-before +now):\n%s", where, cmp.Diff(inWordsOf(now), inWordsOf(again)))
	}
	wantMemory, memory := maps.Collect(whole.memory.All()), maps.Collect(s.shelf.memory.All())
	if diff := cmp.Diff(wantMemory, memory) + cmp.Diff(whole.memory.Changes(), s.shelf.memory.Changes()); diff != "" {
		s.t.Errorf("%s: something else is remembered (-all +one by one):\n%s", where, diff)
	}
	if whole.standing != s.shelf.standing || whole.refused != s.shelf.refused || !reflect.DeepEqual(whole.faults, s.shelf.faults) {
		s.t.Errorf("%s: it stands otherwise with the repository", where)
	}
	var candidates []Candidate
	for _, m := range s.shelf.linker.members {
		candidates = append(candidates, m.Candidate)
	}
	once, parts := Link(candidates), s.shelf.linker
	if diff := cmp.Diff(once.Problems, parts.problems); diff != "" || !reflect.DeepEqual(once.World, parts.world) {
		s.t.Errorf("%s: the parts are not the whole (-whole +parts):\n%s\n%s", where, diff, cmp.Diff(inWordsOf(together{world: once.World}), inWordsOf(together{world: parts.world})))
	}
	declared := s.reveal.reveal(now.world, now.touched)
	for name, service := range declared.Services {
		if s.told[name] = service; service == nil {
			delete(s.told, name)
		}
	}
	fresh := newRevealer()
	if all := fresh.reveal(want.world, all(want.world)); !reflect.DeepEqual(all.Services, s.told) || !reflect.DeepEqual(all.Shared, declared.Shared) {
		s.t.Errorf("%s: the news add up to something else", where)
	}
}

// inWordsOf says what is declared, in words.
func inWordsOf(now together) string {
	w := now.world
	text := paths(Linked{World: w, Problems: now.problems}) + "\n" + unreadOf(w.Policies) + fmt.Sprintf("\nbroken: %d\n", now.broken)
	for _, c := range w.Certificates {
		text += c.Name + " "
	}
	for _, e := range w.Entities {
		text += e.Key().String() + " "
	}
	return text + fmt.Sprint(w.Sections, w.Listeners)
}

// TestLinkerLinksFew: of many files those alone are linked anew that a change can reach.
func TestLinkerLinksFew(t *testing.T) {
	t.Parallel()
	l := newLinker()
	put := func(path, text string) {
		c := candidate(t, path, true, text)
		l.set(c)
	}
	for i := range 300 {
		put(fmt.Sprintf("s%d.yaml", i), service(fmt.Sprintf("s%d", i), "/"))
	}
	put("routes.yaml", route("more", "s7", "/more")+route("more", "s8", "/more"))
	put("plugin.yaml", plugin("cors", "route: s8.more"))
	l.link()
	for _, c := range []struct {
		path, text string // "" removes the file
		want       string
	}{
		{"s1.yaml", service("s1", "/new"), "s1.yaml"},
		{"s7.yaml", service("s7", "/new"), "plugin.yaml routes.yaml s7.yaml s8.yaml"},
		{"plugin.yaml", plugin("cors", "route: s9.other"), "plugin.yaml routes.yaml s7.yaml s8.yaml s9.yaml"},
		{"routes.yaml", route("more", "s8", "/more"), "routes.yaml s7.yaml s8.yaml"},
		{"s1.yaml", "", ""},
		{"routes.yaml", route("more", "s1", "/more"), "routes.yaml s8.yaml"},
		{"s1.yaml", service("s1", "/"), "routes.yaml s1.yaml"},
	} {
		clear(l.linked)
		if c.text == "" {
			l.drop(fileKey{path: c.path})
		} else {
			put(c.path, c.text)
		}
		l.link()
		var got []string
		for m := range l.linked {
			got = append(got, m.Path)
		}
		slices.Sort(got)
		if diff := cmp.Diff(c.want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%s changes: other files are linked (-want +got):\n%s", c.path, diff)
		}
	}
}

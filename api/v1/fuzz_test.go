package v1

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

// FuzzDecode feeds labels, one a line as in the stories, and holds the answer
// against what is promised of every answer.
func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/stories/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, section := range archive.Files {
			if section.Name == "labels" {
				f.Add("web-1", "shop", "web", string(section.Data), true)
			}
		}
	}
	f.Add("Web._1", "", "", "lockstep.enable=true", false)
	f.Fuzz(func(t *testing.T, container, project, service, lines string, exposeAll bool) {
		subject := Subject{Container: container, Project: project, Service: service, Labels: looseLabels(lines)}
		grammar := Grammar{Prefix: "lockstep.", ExposeAll: exposeAll}
		declaration, problems := grammar.Decode(subject)
		checkAnswer(t, declaration, problems)

		again := subject
		again.Labels = looseLabels(lines) // another map, another order
		declaration2, problems2 := grammar.Decode(again)
		if diff := cmp.Diff(declaration, declaration2) + cmp.Diff(problems, problems2); diff != "" {
			t.Errorf("the second answer differs from the first:\n%s", diff)
		}
		if !declaration.Enabled {
			checkProblem(t, grammar.NotEnabledBecause(subject))
		}
	})
}

// looseLabels reads what readLabels reads, and whatever else.
func looseLabels(lines string) map[string]string {
	labels := map[string]string{}
	for line := range strings.SplitSeq(lines, "\n") {
		key, value, _ := strings.Cut(line, "=")
		if unquoted, err := strconv.Unquote(value); err == nil {
			value = unquoted
		}
		labels[key] = value
	}
	return labels
}

func checkAnswer(t *testing.T, d Declaration, problems []Problem) {
	t.Helper()
	switch {
	case !d.Enabled && len(d.Services)+len(problems) > 0:
		t.Errorf("a container that does not count has services or problems")
	case d.Enabled && (len(d.Services) == 0) == (len(problems) == 0):
		t.Errorf("want either services or problems, have %d and %d", len(d.Services), len(problems))
	case !slices.IsSortedFunc(problems, func(a, b Problem) int { return strings.Compare(a.Origin.Label, b.Origin.Label) }):
		t.Errorf("the problems are not sorted by label: %v", problems)
	}
	for _, p := range problems {
		checkProblem(t, p)
		if p.Reason != InvalidLabel && p.Reason != PolicyDenied || p.Origin.Label == "" {
			t.Errorf("a problem lacks its reason or label: %+v", p)
		}
	}
	seen := map[string]bool{}
	for i := range d.Services {
		s := &d.Services[i]
		checkName(t, seen, "service ", s.Service.Name)
		checkFields(t, s, nil)
		for j := range s.Service.Routes {
			r := &s.Service.Routes[j]
			checkName(t, seen, "route ", r.Name)
			if route, ok := strings.CutPrefix(r.Name, s.Service.Name+"."); !ok || !isPart(route) {
				t.Errorf("route %q does not belong to service %q", r.Name, s.Service.Name)
			}
			checkFields(t, s, r)
			checkExpressible(t, *r, s.Service.Plugins)
		}
	}
}

// checkName holds what is said of keys: unique, of safe characters, bounded.
func checkName(t *testing.T, seen map[string]bool, kind, name string) {
	t.Helper()
	if seen[kind+name] {
		t.Errorf("two objects have the key %s%q", kind, name)
	}
	seen[kind+name] = true
	if !isKey(name) || len(name) > maxKey {
		t.Errorf("%s%q is no key", kind, name)
	}
	checkSafe(t, name)
}

// checkSafe is the promise of this door, said apart from the table.
func checkSafe(t *testing.T, text string) {
	t.Helper()
	for _, c := range []byte(text) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte("\"'`#", c) >= 0 {
			t.Errorf("%q leaves this package with %q in it", text, c)
		}
	}
}

// checkFields holds each value against its row: within bounds, in normal form,
// sorted, and the same again when it is written as a label.
func checkFields(t *testing.T, s *DeclaredService, r *Route) {
	t.Helper()
	for _, f := range Fields() {
		if f.get == nil || (f.Scope == OfRoute) != (r != nil) {
			continue
		}
		v := f.get(target{instance: s, service: &s.Service, route: r})
		switch f.Type {
		case Int:
			if f.isSet(v) && (v.Int < f.Min || v.Int > f.Max) {
				t.Errorf("%s is %d", f.Name, v.Int)
			}
		case Duration:
			if f.isSet(v) && (v.Duration <= 0 || v.Duration > max(f.Longest, maxDuration) || v.Duration%max(f.Step, 1) != 0) {
				t.Errorf("%s is %s", f.Name, v.Duration)
			}
		case Text:
			checkSafe(t, v.Text)
		case List:
			checkList(t, &f, v.List)
		case Map:
			var names []string
			for name, list := range v.Map {
				if f.entry(name) != nil || slices.Contains(names, fold(name)) {
					t.Errorf("%s has the entry %q", f.Name, name)
				}
				names = append(names, fold(name))
				checkSafe(t, name)
				checkList(t, &f, list)
			}
		case Shares:
			sum := 0
			for name, share := range v.Shares {
				if f.entry(name) != nil || share < 0 {
					t.Errorf("%s has the entry %q: %d", f.Name, name, share)
				}
				checkSafe(t, name)
				sum += share
			}
			if sum > 100 || len(v.Shares) > maxItems {
				t.Errorf("%s: %d shares of %d%% in all", f.Name, len(v.Shares), sum)
			}
		}
		if f.Type.keyed() || !f.isSet(v) {
			continue
		}
		if again, wrong := f.parse(f.Text(v)); wrong != nil || !f.same(v, again) {
			t.Errorf("%s: %q decodes to %+v (%v), not to %+v", f.Name, f.Text(v), again, wrong, v)
		}
	}
}

func checkList(t *testing.T, f *Field, list []string) {
	t.Helper()
	if !slices.IsSorted(list) || len(slices.Compact(slices.Clone(list))) != len(list) || len(list) > maxItems {
		t.Errorf("%s is not sorted, or has doubles, or is too long: %q", f.Name, list)
	}
	for _, item := range list {
		checkSafe(t, item)
		if again, wrong := f.item(item); wrong != nil || again != item {
			t.Errorf("%s: %q is not in its normal form", f.Name, item)
		}
	}
}

// checkProblem holds what is said of messages: they name what is wrong and what
// to do, can be printed on a terminal, and are no flood.
func checkProblem(t *testing.T, p Problem) {
	t.Helper()
	for _, text := range []string{p.Message, p.Fix} {
		if text == "" || len(text) > 1024 || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("a message is empty, too long or can't be printed: %q", text)
		}
	}
}

// checkExpressible holds that what a gateway serves never takes every request
// when the route does not, and that it needs no further cut.
func checkExpressible(t *testing.T, r Route, shared []Plugin) {
	t.Helper()
	for _, gateway := range []Gateway{Kong, HAProxy} {
		if len(Inexpressible(&r, gateway, shared)) > 0 {
			continue
		}
		cut := Expressible(&r, gateway)
		if !cut.Stream() && len(cut.Hosts)+len(cut.Paths)+len(cut.Methods)+len(cut.Headers) == 0 {
			t.Errorf("on %s the route %+v would take every request", gateway, r)
		}
		if left := Inexpressible(&cut, gateway, ExpressiblePlugins(shared, gateway)); len(left) > 0 {
			t.Errorf("on %s the cut route still has %v", gateway, left)
		}
	}
}

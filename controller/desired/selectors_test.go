package desired

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/ledger"
	"github.com/lockstep/lockstep/controller/snapshot"
)

// TestSelectorsAreFound: whichever of their labels they are filed under, selectors that
// come and go are found by the containers that bear all of their labels, and no others.
func TestSelectorsAreFound(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	s, all := newSelectors(), map[string]*v1.Selector{}
	for step := range 2000 {
		name := fmt.Sprintf("s%d", random.IntN(30))
		if random.IntN(3) == 0 {
			delete(all, name)
			s.put(name, nil)
		} else {
			by := &v1.Selector{}
			for label := range 3 {
				if random.IntN(2) == 0 || label == 2 && by.Labels == nil {
					by.Labels = append(by.Labels, v1.SelectorLabel{Name: fmt.Sprint("l", label), Value: fmt.Sprint(random.IntN(3))})
				}
			}
			all[name] = by
			s.put(name, by)
		}
		labels, want := map[string]string{"other": "1"}, []string{}
		for label := range 3 {
			if random.IntN(4) > 0 {
				labels[fmt.Sprint("l", label)] = fmt.Sprint(random.IntN(3))
			}
		}
		for name, by := range all {
			if by.Selects(labels) {
				want = append(want, name)
			}
		}
		got := []string{}
		for _, found := range s.of(labels) {
			if found.by != all[found.service] {
				t.Fatalf("step %d: of %s an old selector is found", step, found.service)
			}
			got = append(got, found.service)
		}
		slices.Sort(want)
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Fatalf("step %d, %v (-want +got):\n%s", step, labels, diff)
		}
	}
	for name := range all {
		s.put(name, nil)
	}
	if len(s.byService)+len(s.byLabel)+len(s.filed) > 0 {
		t.Errorf("what is left of them: %+v", s)
	}
}

// TestSelectorsAreSpread: of the labels of many selectors that which they all have tells
// nothing apart, and is not what they are filed under.
func TestSelectorsAreSpread(t *testing.T) {
	w, _, _ := beside(2, 1000)
	for name, byValue := range w.builder.selectors.byLabel {
		for value, services := range byValue {
			if len(services) > 1 {
				t.Errorf("%d selectors are filed under %s=%s", len(services), name, value)
			}
		}
	}
}

// TestSelectedWithExposeAll: where all containers count, one that is selected has its own
// service as well, and one that opts out has neither.
func TestSelectedWithExposeAll(t *testing.T) {
	options := newWorld().builder.options
	options.Grammar.ExposeAll = true
	labels := map[string]string{"com.docker.compose.project": "legacy", "com.docker.compose.service": "web"}
	out := map[string]string{"com.docker.compose.project": "legacy", "com.docker.compose.service": "web", "LOCKSTEP.Enable": "false"}
	builder := New(options, ledger.New())
	result := builder.Update(epoch, snapshot.Delta{
		Full: true, Attachments: snapshot.Attachments{v1.Kong: {OnHost: true}, v1.HAProxy: {OnHost: true}},
		Changed: []snapshot.Instance{
			box{Name: "web", Bare: true, Labels: labels, Ports: []string{"80"}, Networks: map[string]string{"n": "10.0.0.1"}}.instance(),
			box{Name: "out", Bare: true, Labels: out, Ports: []string{"80"}, Networks: map[string]string{"n": "10.0.0.2"}}.instance(),
		},
		Declared: map[string]*v1.Declared{"shop": {Service: v1.NewService("shop"), Selector: &v1.Selector{Labels: []v1.SelectorLabel{{Name: "com.docker.compose.project", Value: "legacy"}}}}},
	})
	for _, name := range []string{"shop", "legacy.web"} {
		if s := result.Sets[v1.HAProxy][name]; s == nil || len(s.Endpoints) != 1 || s.Endpoints[0].Instance != "web" {
			t.Errorf("%s is %+v", name, s)
		}
	}
	if trails := builder.Trails("web"); len(trails) != 2 || !strings.HasPrefix(trails[0].Steps[0].Message, "by --expose-all, for no label says otherwise, and picked by the selector of service shop at") {
		t.Errorf("the trails of web are %+v", trails)
	}
	if trails := builder.Trails("out"); len(trails) > 0 {
		t.Errorf("what opted out has trails: %+v", trails)
	}
}

// TestSelectedSaysWhere: a manifest that is only written anew elsewhere is named where it
// stands now, also for a container that has no part in its service.
func TestSelectedSaysWhere(t *testing.T) {
	builder := newWorld().builder
	from := func(line int) map[string]*v1.Declared {
		return map[string]*v1.Declared{"shop": {Service: v1.NewService("shop"), Selector: &v1.Selector{
			Labels: []v1.SelectorLabel{{Name: "app", Value: "shop"}}, Origin: v1.Origin{File: "m.yaml", Line: line, Column: 3},
		}}}
	}
	web := box{Name: "web", Labels: map[string]string{"prot": "80"}, Ports: []string{"80"}, Networks: map[string]string{"n": "10.0.0.1"}}.instance()
	web.Labels["app"] = "shop"
	builder.Update(epoch, snapshot.Delta{Full: true, Changed: []snapshot.Instance{web}, Declared: from(7), Attachments: snapshot.Attachments{v1.HAProxy: {OnHost: true}}})
	builder.Update(epoch, snapshot.Delta{Declared: from(9)})
	if trails := builder.Trails("web"); len(trails) != 1 || !strings.HasSuffix(trails[0].Steps[0].Message, "picked by the selector of service shop at m.yaml:9:3") {
		t.Errorf("the trails of web are %+v", trails)
	}
}

// TestSelectorsDontFlap: however often a manifest is edited, the containers that it selects
// have not turned, and those that it leaves are not remembered.
func TestSelectorsDontFlap(t *testing.T) {
	w, _, selected := beside(2, 1)
	name := "sel0"
	for range 2 * flapTurns {
		w.builder.Update(epoch, snapshot.Delta{Declared: map[string]*v1.Declared{name: nil}})
		if w.builder.flapping.records[selected.ID] != nil {
			t.Fatal("one that nothing selects is remembered")
		}
		result := w.builder.Update(epoch, snapshot.Delta{Declared: selecting(1)})
		if s := result.Sets[v1.HAProxy][name]; s == nil || len(s.Endpoints) != 1 || s.Endpoints[0].Draining {
			t.Fatalf("the service is %+v", s)
		}
	}
}

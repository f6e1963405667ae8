package desired

import (
	"fmt"
	"maps"
	"net/netip"
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/ledger"
	"github.com/lockstep/lockstep/controller/snapshot"
	"github.com/lockstep/lockstep/manifests"
)

// crowd returns n services of one container each that all want one host, and
// each another one beside, which it shares with its neighbour.
func crowd(n int) []snapshot.Instance {
	out := make([]snapshot.Instance, n)
	for i := range out {
		out[i] = box{
			Name: fmt.Sprintf("c%d", i), Created: i,
			Labels: map[string]string{
				"service": fmt.Sprintf("s%04d", i), "port": "80",
				"hosts": fmt.Sprintf("shop.test,h%d.test,h%d.test", i, i+1), "paths": "/a,/b,/c,/d",
			},
			Networks: map[string]string{"shop": fmt.Sprintf("10.0.%d.%d", i/256, i%256)},
		}.instance()
	}
	return out
}

// BenchmarkCrowd lets one of n services that all contend for one host change
// what it claims: the worst case of a region, which then holds all of them.
func BenchmarkCrowd(b *testing.B) {
	for _, n := range []int{100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			w := newWorld()
			attachments := snapshot.Attachments{v1.Kong: {OnHost: true}, v1.HAProxy: {OnHost: true}}
			containers := crowd(n)
			w.builder.Update(epoch, snapshot.Delta{Full: true, Changed: containers, Attachments: attachments})
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				one := containers[i%n]
				one.Labels = maps.Clone(one.Labels)
				one.Labels["lockstep.methods"] = []string{"GET", "POST"}[i/n%2]
				w.builder.Update(epoch, snapshot.Delta{Changed: []snapshot.Instance{one}})
				w.builder.Update(epoch, snapshot.Delta{Changed: []snapshot.Instance{containers[i%n]}})
			}
		})
	}
}

// strangers returns n containers that bear labels of other tools alone.
func strangers(n int) []snapshot.Instance {
	out := make([]snapshot.Instance, n)
	for i := range out {
		labels := map[string]string{"com.docker.compose.project": fmt.Sprintf("p%d", i/100), "com.docker.compose.service": fmt.Sprintf("x%d", i/10)}
		for _, name := range []string{"config-hash", "container-number", "depends_on", "image", "oneoff", "project.config_files", "project.working_dir", "version"} {
			labels["com.docker.compose."+name] = "some value of Compose"
		}
		out[i] = box{
			Name: fmt.Sprintf("x%d", i), Created: i, Bare: true, Labels: labels, Ports: []string{"80"},
			Networks: map[string]string{"other": fmt.Sprintf("10.9.%d.%d", i/250, 1+i%250)},
		}.instance()
	}
	return out
}

// selecting returns n services that each select the copies of one Compose service, whose
// project has many of them.
func selecting(n int) map[string]*v1.Declared {
	out := map[string]*v1.Declared{}
	for i := range n {
		name := fmt.Sprintf("sel%d", i)
		out[name] = &v1.Declared{Service: v1.NewService(name), Selector: &v1.Selector{Labels: []v1.SelectorLabel{
			{Name: "com.docker.compose.project", Value: "legacy"}, {Name: "com.docker.compose.service", Value: fmt.Sprintf("web%d", i)},
		}}}
	}
	return out
}

// beside returns a world of ten services, with n strangers and s selectors beside, and one
// container that the last selector brings in.
func beside(n, s int) (w *world, stranger, selected snapshot.Instance) {
	w = newWorld()
	others := strangers(n)
	selected = box{Name: "web", Bare: true, Ports: []string{"80"}, Networks: map[string]string{"shop": "10.1.0.1"}, Labels: map[string]string{
		"com.docker.compose.project": "legacy", "com.docker.compose.service": fmt.Sprintf("web%d", s-1),
	}}.instance()
	w.builder.Update(epoch, snapshot.Delta{
		Full: true, Changed: append(append(fleet(100), others...), selected), Declared: selecting(s),
		Attachments: snapshot.Attachments{v1.Kong: {OnHost: true}, v1.HAProxy: {OnHost: true}},
	})
	return w, others[n/2], selected
}

// turn lets a container be paused and go on.
func turn(w *world, i snapshot.Instance, n int) Result {
	i.Paused = n%2 == 0
	return w.builder.Update(epoch, snapshot.Delta{Changed: []snapshot.Instance{i}})
}

// TestStrangersCostNothing: what is no instance of anything changes nothing, and neither
// it nor an instance costs more for all others and for all selectors.
func TestStrangersCostNothing(t *testing.T) {
	cost := func(n, s int) (ofStranger, ofSelected float64) {
		w, stranger, selected := beside(n, s)
		w.memory.Saved()
		if result := turn(w, stranger, 0); len(result.Sets)+len(result.Standings)+len(result.Refused)+len(result.Settled)+len(result.Waiting) > 0 || w.memory.Changed() || !result.Wake.IsZero() {
			t.Errorf("a container that does not count changed %+v", result)
		}
		if result := turn(w, selected, 0); len(result.Settled) != 1 || len(w.builder.containers) != 101 || len(w.builder.uncounted) != n {
			t.Errorf("of %d containers %d count, and what became of the one that is selected is %+v", n, len(w.builder.containers), result)
		}
		turns := 0
		run := func(i snapshot.Instance) float64 {
			return testing.AllocsPerRun(50, func() { turns++; turn(w, i, turns) })
		}
		return run(stranger), run(selected)
	}
	aloneStranger, aloneSelected := cost(2, 1)
	manyStranger, manySelected := cost(5000, 500)
	if manyStranger > aloneStranger+2 || manySelected > aloneSelected+5 {
		t.Errorf("a turn of a stranger makes %v allocations among many and %v alone, that of an instance %v and %v", manyStranger, aloneStranger, manySelected, aloneSelected)
	}
}

// TestPortlessCostNothing: services that wait for a port are looked at when one is free, and not
// with each container that comes or goes.
func TestPortlessCostNothing(t *testing.T) {
	cost := func(n int) float64 {
		w := newWorld()
		w.builder.Hear(Heard{KongMode: ledger.KongDBLess})
		w.builder.Update(epoch, snapshot.Delta{
			Full: true, Changed: fleet(n), Attachments: snapshot.Attachments{v1.Kong: {OnHost: true}, v1.HAProxy: {OnHost: true}},
		})
		if waiting := len(w.builder.portless); waiting == 0 {
			t.Fatalf("none of %d containers waits for a port", n)
		}
		one, turns := fleet(1)[0], 0
		return testing.AllocsPerRun(50, func() { turns++; turn(w, one, turns) })
	}
	if few, many := cost(100), cost(2000); many > few+5 {
		t.Errorf("a turn of a container makes %v allocations while few services wait for a port, and %v while many do", few, many)
	}
}

// BenchmarkStrangers lets a container that does not count, and one that a selector brings
// in, turn among others that don't count.
func BenchmarkStrangers(b *testing.B) {
	for _, n := range []int{100, 10_000} {
		for _, s := range []int{1, 1000} {
			for _, of := range []string{"stranger", "selected"} {
				b.Run(fmt.Sprintf("%d beside %d selectors/%s", n, s, of), func(b *testing.B) {
					w, turning, selected := beside(n, s)
					if of == "selected" {
						turning = selected
					}
					b.ReportAllocs()
					for i := 0; b.Loop(); i++ {
						turn(w, turning, i)
					}
				})
			}
		}
	}
}

// BenchmarkSelectorComes lets a selector come and go that brings in ten of n containers.
func BenchmarkSelectorComes(b *testing.B) {
	for _, n := range []int{100, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			w, _, _ := beside(n, 1)
			declared := &v1.Declared{Service: v1.NewService("x5"), Selector: &v1.Selector{Labels: []v1.SelectorLabel{{Name: "com.docker.compose.service", Value: "x5"}}}}
			b.ReportAllocs()
			for b.Loop() {
				w.builder.Update(epoch, snapshot.Delta{Declared: map[string]*v1.Declared{"x5": declared}})
				w.builder.Update(epoch, snapshot.Delta{Declared: map[string]*v1.Declared{"x5": nil}})
			}
		})
	}
}

// declaring returns what n manifests say, each of a service with one endpoint.
func declaring(b *testing.B, n int) map[string]*v1.Declared {
	b.Helper()
	candidates := make([]manifests.Candidate, n)
	for i := range candidates {
		path := fmt.Sprintf("s%d.yaml", i)
		text := fmt.Sprintf("apiVersion: lockstep.dev/v1\nkind: Service\nmetadata: {name: s%d}\nspec:\n  hosts: [s%d.test]\n  grace: 1h\n"+
			"  endpoints: [{address: '10.0.%d.%d:8080', weight: 50}]\n", i, i, i/250, i%250)
		file, problems := manifests.Parse(path, []byte(text))
		if len(problems) > 0 {
			b.Fatal(problems)
		}
		candidates[i] = manifests.Candidate{Path: path, Versions: []manifests.File{file}, Current: true}
	}
	return newWorld().declared(manifests.Link(candidates).World)
}

// BenchmarkDeclared builds what n manifests declare, as after a restart: the ledger knows it all.
func BenchmarkDeclared(b *testing.B) {
	for _, n := range []int{50, 5000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			declared := declaring(b, n)
			memory := ledger.New()
			b.ReportAllocs()
			for b.Loop() {
				w := newWorldWith(memory, netip.Addr{})
				result := w.builder.Update(epoch, snapshot.Delta{
					Full: true, Declared: declared, Attachments: snapshot.Attachments{v1.Kong: {OnHost: true}, v1.HAProxy: {OnHost: true}},
				})
				if len(result.Sets[v1.HAProxy]) != n {
					b.Fatalf("HAProxy is to hold %d services, want %d", len(result.Sets[v1.HAProxy]), n)
				}
			}
		})
	}
}

package controller

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/ledger"
	"github.com/lockstep/lockstep/controller/snapshot"
	"github.com/lockstep/lockstep/controller/source"
	"github.com/lockstep/lockstep/reconcilers/reconcilertest"
)

// bare is a container that bears one label, of another tool.
func bare(name, app string) snapshot.Instance {
	i := containers(name)[0]
	i.Labels = map[string]string{"app": app}
	return i
}

// shop declares a service that selects the containers of an app.
func shop(t *testing.T, app string) map[string]*v1.Declared {
	t.Helper()
	at := v1.Origin{File: "m.yaml", Line: 3, Column: 18}
	declared, problems := v1.DecodeService("shop", at, []v1.Written{{Key: "hosts", Value: "shop.test"}, {Key: "port", Value: "80"}},
		&v1.Selector{Labels: []v1.SelectorLabel{{Name: "app", Value: app}}, Origin: at})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return map[string]*v1.Declared{"shop": &declared}
}

// TestStrangersAreNobodysWork: what happens to containers that count for nothing reaches
// no gateway, is saved nowhere and wakes nobody, until a manifest selects one.
func TestStrangersAreNobodysWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, saved := &heard{}, 0
		s := begin(t, func(o *Options) {
			h.Reconciler = o.Gateways[1].Reconciler
			o.Gateways[1].Reconciler = h
			o.Remember = func(*ledger.Ledger) error { saved++; return nil }
		})
		first := full("web")
		first.Changed = append(first.Changed, bare("stranger", "old"))
		s.source.say(first)
		_, calls := h.last()
		before, changed := saved, s.status.Changed()
		paused := bare("stranger", "old")
		paused.Paused = true
		s.source.say(snapshot.Delta{Changed: []snapshot.Instance{bare("another", "old"), paused}})
		s.source.say(gone("another"))
		select {
		case <-changed:
			t.Error("whoever waits for news was woken")
		default:
		}
		if _, now := h.last(); now != calls || saved != before {
			t.Errorf("a gateway was called %d times, and the ledger saved %d times", now-calls, saved-before)
		}
		if by, why, err := s.Counts(t.Context(), paused); by != "" || why == nil || why.Reason != v1.NotEnabled || err != nil {
			t.Errorf("of a stranger it says %q, %v, %v", by, why, err)
		}
		s.source.say(snapshot.Delta{Declared: shop(t, "old")})
		if got, now := h.last(); now != calls+1 || len(got.scope.Services) != 1 || got.scope.Services[0] != "shop" || !strings.Contains(s.hap.World(), "server/shop/stranger") {
			t.Errorf("of one that is selected it is told %+v in %d calls:\n%s", got, now-calls, s.hap.World())
		}
		if by, why, err := s.Counts(t.Context(), paused); by != "picked by the selector of service shop at m.yaml:3:18" || why != nil || err != nil {
			t.Errorf("of one that is selected it says %q, %v, %v", by, why, err)
		}
		if remembered, is := s.memory.Services.Lookup("shop"); is {
			t.Errorf("of containers that are only selected the ledger remembers %+v", remembered)
		}
	})
}

// TestSelectedOutliveARestart: whichever source is there first, containers that a manifest
// selects are not taken away by a daemon that starts anew.
func TestSelectedOutliveARestart(t *testing.T) {
	for name, manifestsFirst := range map[string]bool{"the manifest comes first": true, "the containers come first": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gateway, memory := reconcilertest.NewMemory(), ledger.New()
				run := func() (*stage, *played) {
					manifests := &played{}
					return begin(t, func(o *Options) {
						o.Memory = memory
						o.Gateways = []Gateway{{Name: v1.Kong, Reconciler: gateway.Open("lockstep")}}
						o.Sources = append(o.Sources, source.Source(manifests))
					}), manifests
				}
				tell := func(s *stage, manifests *played) {
					world := full("web")
					sketch, nobody := bare("old", "shop"), bare("nobody", "other")
					sketch.Partial, sketch.Ports, nobody.Partial = true, nil, true
					world.Changed = append(world.Changed, sketch, nobody)
					said := []func(){
						func() { manifests.say(snapshot.Delta{Full: true, Declared: shop(t, "shop")}) },
						func() { s.source.say(world) },
					}
					if !manifestsFirst {
						said[0], said[1] = said[1], said[0]
					}
					for _, say := range said {
						say()
					}
					if s.status.Known() {
						t.Error("something follows from a container of which only half is known")
					}
					s.source.say(snapshot.Delta{Changed: []snapshot.Instance{bare("old", "shop")}})
				}
				tell(run())
				before := gateway.World()
				if !strings.Contains(before, "server/shop/old") {
					t.Fatalf("the container is not served:\n%s", before)
				}
				gateway.Fail(func(c reconcilertest.Call) error {
					if c.Verb != "list" {
						t.Errorf("it is told %+v", c)
					}
					return nil
				})
				tell(run())
				if after := gateway.World(); after != before {
					t.Errorf("after a restart:\n%s\nbefore:\n%s", after, before)
				}
			})
		})
	}
}

// TestSelectorIsAccountedFor: the report says of a service without instances what became of
// its selector, an explanation of any, and the log that one changed: once.
func TestSelectorIsAccountedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := begin(t, func(o *Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
		first := full("web")
		first.Changed = append(first.Changed, bare("old", "shop"))
		first.Declared = shop(t, "shop")
		s.source.say(first)
		const changed = `msg="service selects by other labels" service=shop origin=m.yaml:3:18 containers=0 before=1`
		for _, service := range s.Report().Services {
			if service.Selection != nil {
				t.Errorf("of %s, which has instances, it says %+v", service.Service, service.Selection)
			}
		}
		if e, known := s.Explain(t.Context(), "shop"); !known || len(e.Services) != 1 || e.Services[0].Selection == nil || len(e.Services[0].Selection.Picked) != 1 {
			t.Errorf("it is explained as %+v", e)
		}
		if e, known := s.Explain(t.Context(), "old"); !known || len(e.Services) != 1 || e.Services[0].Selection != nil {
			t.Errorf("the container is explained as %+v", e)
		}
		if strings.Contains(log.String(), "selects by other labels") {
			t.Errorf("it is logged:\n%s", log.String())
		}
		for range 2 {
			s.source.say(snapshot.Delta{Declared: shop(t, "shopp")})
		}
		if strings.Count(log.String(), changed) != 1 || strings.Count(log.String(), "selects by other labels") != 1 {
			t.Errorf("it is logged:\n%s", log.String())
		}
		said := 0
		for _, service := range s.Report().Services {
			if service.Service != "shop" {
				continue
			}
			for _, verdict := range service.Routes[0].Verdicts {
				said++
				if verdict.Message != "it answers 503: its selector (m.yaml:3:18) picks none of the 2 containers that run: none has app=shopp" || !strings.HasPrefix(verdict.Fix, "did you mean app=shop?") {
					t.Errorf("on %s it says %+v", verdict.Gateway, verdict)
				}
			}
		}
		if said != 2 {
			t.Errorf("it is said %d times", said)
		}
		e, _ := s.Explain(t.Context(), "shop")
		if _, missing := e.Reaches("serving"); !strings.HasPrefix(missing, "service shop has no instances: its selector (m.yaml:3:18) picks none of the 2 containers") {
			t.Errorf("what is missing is %q", missing)
		}
	})
}

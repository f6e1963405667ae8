package desired

import (
	"cmp"
	"maps"
	"net/netip"
	"testing"
	"time"

	"github.com/lockstep/lockstep/api/policy"
	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/ledger"
	"github.com/lockstep/lockstep/controller/snapshot"
	"github.com/lockstep/lockstep/manifests"
)

// world is everything that the results of a builder add up to.
type world struct {
	builder   *Builder
	memory    *ledger.Ledger
	sets      map[v1.Gateway]v1.Set
	standings map[string]*Standing
	refused   map[string][]v1.Problem
	waiting   map[string][]v1.Problem
	wake      time.Time
	kept      map[string]v1.Service
}

func newWorld() *world {
	return newWorldWith(ledger.New(), netip.Addr{})
}

func newWorldWith(memory *ledger.Ledger, publish netip.Addr) *world {
	return &world{
		memory: memory,
		builder: New(Options{
			Grammar:        v1.Grammar{Prefix: "lockstep."},
			Gateways:       []v1.Gateway{v1.Kong, v1.HAProxy},
			PublishAddress: publish,
			Chain:          Chain{Host: "edge", First: 29000, Last: 29001, KongService: "kong-nodes"},
			TLSPassthrough: true,
		}, memory),
		sets:      map[v1.Gateway]v1.Set{v1.Kong: {}, v1.HAProxy: {}},
		standings: map[string]*Standing{},
		refused:   map[string][]v1.Problem{},
		waiting:   map[string][]v1.Problem{},
		kept:      map[string]v1.Service{},
	}
}

func (w *world) do(t *testing.T, s step) {
	t.Helper()
	if s.Publish != "" {
		kept := w.kept
		*w = *newWorldWith(w.memory, netip.MustParseAddr(s.Publish))
		w.kept = kept
	}
	if s.Again {
		w.again()
	}
	w.builder.Hear(w.hears(s.Kong, s.Took))
	at, err := time.ParseDuration(cmp.Or(s.At, "0s"))
	if err != nil {
		t.Fatal(err)
	}
	delta := snapshot.Delta{Full: s.Full}
	if s.Given != nil {
		w.builder.options.Given = s.Given
	}
	if s.Full {
		delta.Attachments = snapshot.Attachments{v1.Kong: {OnHost: true, Why: "runs on the host"}, v1.HAProxy: {OnHost: true, Why: "runs on the host"}}
	}
	for name, a := range s.Gateways {
		if delta.Attachments == nil {
			delta.Attachments = maps.Clone(w.builder.attachments)
		}
		delta.Attachments[name] = snapshot.Attachment{Networks: a.Networks, OnHost: a.Host, Why: "said so"}
	}
	for _, b := range s.Start {
		delta.Changed = append(delta.Changed, b.instance())
	}
	for _, name := range s.Gone {
		delta.Removed = append(delta.Removed, idOf(name))
	}
	for name, text := range s.Drain {
		lasts, err := time.ParseDuration(text)
		if err != nil {
			t.Fatal(err)
		}
		w.builder.Drain(idOf(name), &ledger.Drain{By: "alice", Since: epoch.Add(at), For: lasts})
	}
	for _, name := range s.Undo {
		w.builder.Drain(idOf(name), nil)
	}
	for _, name := range s.Pin {
		w.builder.Pin(name, &ledger.Pin{Generation: 7, By: "alice", Since: epoch.Add(at), Settings: w.kept[name]}, "alice")
	}
	for _, name := range s.Release {
		w.builder.Pin(name, nil, "alice")
	}
	if s.Manifests != nil {
		linked := parse(t, *s.Manifests)
		delta.Declared, delta.Policies = w.declared(linked), &linked.Policies
		delta.Shared = &v1.Shared{Listeners: linked.Listeners}
		if s.Wrong {
			*delta.Policies = append(*delta.Policies, wrongPolicy())
		}
	}
	result := w.update(epoch.Add(at), delta)
	for _, name := range s.Keep {
		w.kept[name] = result.Settled[name].Settings.WithoutSecrets()
	}
}

// again begins anew with the ledger alone, and what was kept of earlier settings.
func (w *world) again() {
	kept := w.kept
	*w = *newWorldWith(w.memory.Clone(), w.builder.options.PublishAddress)
	w.kept = kept
}

// hears returns what workers tell once these gateways hold what they are to hold now.
func (w *world) hears(mode ledger.KongMode, took []v1.Gateway) Heard {
	heard := w.builder.heard
	heard.KongMode = cmp.Or(mode, heard.KongMode)
	for _, gateway := range took {
		ports := map[string]uint16{}
		for name, s := range w.sets[gateway] {
			if s.Via.Port != 0 {
				ports[name] = s.Via.Port
			}
		}
		if gateway == v1.Kong {
			heard.Dials = ports
		} else {
			heard.Listens = ports
		}
	}
	return heard
}

// wrongPolicy is a policy that never was good.
func wrongPolicy() *policy.Policy {
	return &policy.Policy{Name: "new.yaml", Unread: &v1.Problem{
		Reason: v1.InvalidManifest, Origin: v1.Origin{File: "new.yaml", Line: 7, Column: 14}, Message: `unknown word "hots"`, Fix: "did you mean hosts?",
	}}
}

// declared is what manifests say of services, nil of those that they declare no more.
func (w *world) declared(linked manifests.World) map[string]*v1.Declared {
	declared := maps.Clone(linked.Services)
	for name, s := range w.builder.services {
		if s.said != nil && declared[name] == nil {
			declared[name] = nil
		}
	}
	return declared
}

// update adds a result to the world.
func (w *world) update(now time.Time, delta snapshot.Delta) Result {
	result := w.builder.Update(now, delta)
	for gateway, set := range result.Sets {
		merge(w.sets[gateway], set)
	}
	merge(w.standings, result.Standings)
	for id, problems := range result.Refused {
		if len(problems) == 0 {
			delete(w.refused, id)
			continue
		}
		w.refused[id] = problems
	}
	for name, problems := range result.Waiting {
		if len(problems) == 0 {
			delete(w.waiting, name)
			continue
		}
		w.waiting[name] = problems
	}
	w.wake = result.Wake
	return result
}

func merge[V any](into map[string]*V, changed map[string]*V) {
	for name, value := range changed {
		if value == nil {
			delete(into, name)
			continue
		}
		into[name] = value
	}
}

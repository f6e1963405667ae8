package desired

import (
	"maps"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/snapshot"
)

// admit takes the delta's instances in and out, and marks the services that
// they were or are part of.
func (b *Builder) admit(now time.Time, delta snapshot.Delta, touched map[string]bool, result *Result) {
	gone := delta.Removed
	if delta.Full {
		present := make(map[string]bool, len(delta.Changed))
		for i := range delta.Changed {
			present[delta.Changed[i].ID] = true
		}
		for id := range b.containers {
			if !present[id] {
				gone = append(gone, id)
			}
		}
		maps.DeleteFunc(b.uncounted, func(id string, _ snapshot.Instance) bool { return !present[id] })
	}
	for _, id := range gone {
		if b.containers[id] != nil {
			b.flapping.note(now, id, false)
		}
		b.remove(id, touched, result)
	}
	b.forgetDrains(delta, gone)
	for i := range delta.Changed {
		b.put(now, delta.Changed[i], touched, result)
	}
	for _, id := range append(b.flapping.due(now), b.askedFor()...) {
		if known, ok := b.containers[id]; ok {
			b.put(now, known.instance, touched, result)
		}
	}
}

// instance returns a container that is known, whether it counts or not.
func (b *Builder) instance(id string) snapshot.Instance {
	if known, counts := b.containers[id]; counts {
		return known.instance
	}
	return b.uncounted[id]
}

// remove forgets a container.
func (b *Builder) remove(id string, touched map[string]bool, result *Result) {
	delete(b.uncounted, id)
	known, ok := b.containers[id]
	if !ok {
		return
	}
	delete(b.containers, id)
	delete(b.denied, id)
	for i := range known.declared {
		name := known.declared[i].Service.Name
		delete(b.services[name].members, id)
		touched[name] = true
	}
	if len(known.problems) > 0 {
		result.Refused[id] = nil
	}
}

// put takes a new or changed container in.
func (b *Builder) put(now time.Time, instance snapshot.Instance, touched map[string]bool, result *Result) {
	before := b.containers[instance.ID]
	fresh := admit(b.options.Grammar, instance, before)
	fresh.join(b.selectors.of(instance.Labels))
	b.remove(instance.ID, touched, result)
	if !fresh.counts() {
		b.uncounted[instance.ID] = instance
		b.flapping.forget(instance.ID) // that no manifest selects it any more is no turn of its own
		return
	}
	b.police(fresh, before)
	b.flapping.note(now, instance.ID, fresh.life == LifeReady)
	b.flapping.hold(fresh)
	b.drain(fresh)
	b.containers[instance.ID] = fresh
	if len(fresh.problems) > 0 {
		result.Refused[instance.ID] = fresh.problems
	}
	for i := range fresh.declared {
		name := fresh.declared[i].Service.Name
		b.service(name).members[instance.ID] = member{container: fresh, part: &fresh.declared[i]}
		touched[name] = true
	}
}

// service returns the named service, made when it is new.
func (b *Builder) service(name string) *service {
	known, ok := b.services[name]
	if !ok {
		known = &service{name: name, members: map[string]member{}, sets: map[v1.Gateway]v1.Set{}}
		b.services[name] = known
	}
	return known
}

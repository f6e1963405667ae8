package desired

import (
	"fmt"
	"maps"
	"net/netip"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/snapshot"
)

// Life is the stage that an instance is in. Order matters: the higher the
// life, the more its settings count.
type Life int

// The lives of an instance. Gone instances are not in the snapshot.
const (
	LifeStarting Life = iota // has a HEALTHCHECK that has not passed yet: no traffic
	LifeDraining             // finishes what it has begun, gets nothing new
	LifeReady                // gets traffic
)

// container is one instance and what is asked of it.
type container struct {
	instance snapshot.Instance
	enabled  bool                 // by its labels
	optedOut bool                 // by its labels: no selector brings it in
	labelled []v1.DeclaredService // what its labels ask for
	wrong    []v1.Problem         // with them
	selected []selection          // the services that select it
	asked    []v1.DeclaredService // what both ask for together
	declared []v1.DeclaredService // the same, less what is refused
	problems []v1.Problem         // why it is set apart, or is no copy of a service that selects it
	banned   bool                 // it is, because policies refuse it: what it had by itself gets no grace time
	life     Life
	reason   v1.Reason // why it is in this life
	message  string    // the same for people; "" when ready
	fix      string    // what to do about it; "" when nothing
	drains   drains

	// Of a static endpoint alone, which stands here like a container.
	address netip.AddrPort
	origin  v1.Origin
}

// admit decodes an instance's labels; join then adds the services that select it, and police
// says what of all that counts. What was decoded before is used again where nothing changed
// that the labels' meaning depends on.
func admit(grammar v1.Grammar, instance snapshot.Instance, before *container) *container {
	c := &container{instance: instance}
	c.life, c.reason, c.message = live(instance)
	if c.reason == v1.Unhealthy {
		c.fix = "see what it says: docker inspect --format '{{json .State.Health}}' " + instance.Name
	}
	if instance.Stopping != "" {
		c.drains.since = instance.StoppingSince
	}
	if before != nil && sameLabels(before.instance, instance) {
		c.enabled, c.optedOut, c.labelled, c.wrong = before.enabled, before.optedOut, before.labelled, before.wrong
		return c
	}
	declaration, problems := grammar.Decode(v1.Subject{
		Container: instance.Name,
		Project:   instance.Project,
		Service:   instance.Service,
		Labels:    instance.Labels,
	})
	c.enabled, c.optedOut, c.labelled, c.wrong = declaration.Enabled, declaration.OptedOut, declaration.Services, problems
	return c
}

// sameLabels reports whether two looks at a container decode to the same.
func sameLabels(a, b snapshot.Instance) bool {
	return a.Name == b.Name && a.Project == b.Project && a.Service == b.Service && maps.Equal(a.Labels, b.Labels)
}

// live returns the life of an instance and why it is in it.
func live(i snapshot.Instance) (Life, v1.Reason, string) {
	switch {
	case i.Stopping != "":
		return LifeDraining, v1.Draining, fmt.Sprintf("stop signal %s was sent", i.Stopping)
	case i.Paused:
		return LifeDraining, v1.Draining, "the container is paused"
	case i.Health == snapshot.HealthStarting:
		return LifeStarting, v1.Starting, "its HEALTHCHECK has not passed yet"
	case i.Health == snapshot.Unhealthy:
		return LifeDraining, v1.Unhealthy, "its HEALTHCHECK fails"
	}
	return LifeReady, v1.Serving, ""
}

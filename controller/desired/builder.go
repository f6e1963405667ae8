package desired

import (
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/lockstep/lockstep/api/policy"
	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/ledger"
	"github.com/lockstep/lockstep/controller/snapshot"
)

// Options are what a build depends on besides its input.
type Options struct {
	Grammar  v1.Grammar
	Gateways []v1.Gateway // the configured gateways, each once
	// PublishAddress, when valid, is the address at which gateways reach
	// the ports that containers publish, instead of the containers' own addresses.
	PublishAddress netip.Addr
	// Ways are the ways in of services that name none; empty means every
	// configured gateway on its own.
	Ways []v1.Way
	// Chain says how one gateway reaches the other.
	Chain Chain
	// Settled builds what is desired once every gateway has taken up all of it: for those who
	// only look, nobody would do the steps before.
	Settled bool
	// TLSPassthrough says that HAProxy passes TLS on to services that ask for it.
	TLSPassthrough bool
	// Given is what labels may ask for of what the operator has; nil: nobody knows, and
	// gateways say what they can't do.
	Given *Given
}

// Builder keeps the desired state. It is owned by one goroutine; the values
// that it hands out are immutable.
type Builder struct {
	options     Options
	memory      *ledger.Ledger
	attachments snapshot.Attachments
	containers  map[string]*container        // those that count, by container id
	uncounted   map[string]snapshot.Instance // those that don't, likewise
	selectors   selectors
	services    map[string]*service  // by service name
	leaving     map[string]time.Time // services in their grace time, by name, and its end
	portless    map[string]bool      // services that wait for a port behind Kong, by name
	vacant      bool                 // a port became free since they were last looked at
	handing     map[string]bool      // services whose port is being handed over, by name
	retained    map[string]bool      // those among them that gave it up, while Kong may send there
	chains      bool                 // the chain is the way in of services that name none
	newcomers   map[string]time.Time // services of which Kong is told when HAProxy listens, by name, and until when it waits; zero: no longer
	begun       bool                 // a full Update was made
	heard       Heard
	edges       map[string]bool // services for which HAProxy stands before Kong, by name
	claims      claims
	hosts       hosts
	flapping    flapping
	policies    policy.Set
	// restrictions say which hosts Listeners have to themselves.
	restrictions v1.Restrictions
	denied       map[string]*container // whom they refuse, and who asks for what is not given, by id
	expelled     map[string]bool       // services that lost such a one in this Update, by name
	asked        []string              // ids of containers of which a command said something since the last Update
	steered      map[string]string     // names of services of which one did, and who
}

// Result is what one Update changed.
type Result struct {
	// Sets hold, for each gateway, the services that changed; nil means gone.
	Sets map[v1.Gateway]v1.Set
	// Standings hold the services whose account changed; nil means gone.
	Standings map[string]*Standing
	// Shared, when not nil, is anew what every gateway should hold that belongs to
	// no service.
	Shared *v1.Shared
	// Refused holds, by container id, the containers that were left out because
	// of their labels; an empty list means no longer refused.
	Refused map[string][]v1.Problem
	// Waiting holds, by service, plugins of manifests that hold for nothing, as neither labels
	// nor manifests make the service or the route that they are on; an empty list means no longer.
	Waiting map[string][]v1.Problem
	// Reselected are the services whose manifests select by other labels than before, by name;
	// none in a full Update.
	Reselected []Reselection
	// Settled are the services that were decided anew, by name, whether that made a
	// difference or not; nil means gone.
	Settled map[string]*Settled
	// Wake is when time alone will change something; zero when never.
	Wake time.Time
}

// New returns a Builder that knows no container yet. It takes memory over and
// changes it in Update.
func New(options Options, memory *ledger.Ledger) *Builder {
	b := &Builder{
		options:     options,
		memory:      memory,
		attachments: snapshot.Attachments{},
		containers:  map[string]*container{},
		uncounted:   map[string]snapshot.Instance{},
		selectors:   newSelectors(),
		services:    map[string]*service{},
		leaving:     map[string]time.Time{},
		portless:    map[string]bool{},
		handing:     map[string]bool{},
		retained:    map[string]bool{},
		newcomers:   map[string]time.Time{},
		edges:       map[string]bool{},
		claims:      newClaims(memory),
		hosts:       newHosts(),
		flapping:    newFlapping(),
		denied:      map[string]*container{},
		steered:     map[string]string{},
	}
	b.chains = b.chainsByDefault()
	b.resume()
	return b
}

// Build returns the whole desired state from scratch: New and one full Update.
func Build(options Options, memory *ledger.Ledger, now time.Time, instances []snapshot.Instance, attachments snapshot.Attachments) Result {
	builder := New(options, memory)
	return builder.Update(now, snapshot.Delta{Full: true, Changed: instances, Attachments: attachments})
}

// Update takes in what changed and returns what follows from it. Before the
// first full delta nothing may be concluded from what is absent, so the caller
// holds smaller deltas back until then.
func (b *Builder) Update(now time.Time, delta snapshot.Delta) Result {
	result := Result{
		Sets:      map[v1.Gateway]v1.Set{},
		Standings: map[string]*Standing{},
		Refused:   map[string][]v1.Problem{},
		Settled:   map[string]*Settled{},
		Waiting:   map[string][]v1.Problem{},
		Shared:    delta.Shared,
	}
	b.expelled = map[string]bool{}
	touched := map[string]bool{}
	b.learn(now, &delta, touched)
	b.attach(delta, touched)
	b.confine(delta, touched)
	reselecting := b.reselecting(delta)
	redeclared := b.declare(delta)
	maps.Copy(touched, redeclared)
	b.admit(now, delta, touched, &result)
	for _, id := range b.affected(redeclared, delta.Policies != nil) {
		b.put(now, b.instance(id), touched, &result)
	}
	result.Reselected = b.reselections(reselecting)
	if delta.Full {
		b.barred()
		for name := range b.memory.Services.Keys() {
			touched[name] = true
		}
	}
	for name := range b.steered {
		touched[name] = true
	}
	if delta.Policies != nil { // they are asked about what services are held to as well
		for name := range b.memory.Pins.Keys() {
			touched[name] = touched[name] || b.services[name] != nil
		}
	}
	for name, until := range b.leaving {
		if !until.After(now) {
			touched[name] = true
		}
	}
	maps.DeleteFunc(touched, func(_ string, is bool) bool { return !is })
	for _, name := range slices.Sorted(maps.Keys(touched)) {
		b.settle(now, name, &result)
	}
	clear(b.steered)
	if delta.Full {
		b.claims.purge()
		b.purgePorts(now)
	}
	b.settlePortless(now, touched)
	for name := range b.claims.resolve() {
		touched[name] = true
	}
	b.spread(touched)
	b.assembleAll(touched, &result)
	b.begun = b.begun || delta.Full
	result.Wake = b.patient(b.released(earliest(b.leaving, earliest(b.flapping.held, time.Time{}))))
	return result
}

// attach takes in which networks gateways are on, and marks all services when that changed.
func (b *Builder) attach(delta snapshot.Delta, touched map[string]bool) {
	if delta.Attachments == nil {
		return
	}
	b.attachments = maps.Clone(b.attachments)
	maps.Copy(b.attachments, delta.Attachments)
	for name := range b.services {
		touched[name] = true
	}
}

// assembleAll assembles the touched services, the Kong nodes' before those that
// stand before it, which follow it.
func (b *Builder) assembleAll(touched map[string]bool, result *Result) {
	if nodes := b.options.Chain.KongService; touched[nodes] {
		b.assemble(nodes, result)
		delete(touched, nodes)
		for name := range b.edges {
			touched[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(touched)) {
		b.assemble(name, result)
	}
}

// earliest returns the first of the times and of wake, leaving out a zero wake.
func earliest(times map[string]time.Time, wake time.Time) time.Time {
	for _, at := range times {
		if wake.IsZero() || at.Before(wake) {
			wake = at
		}
	}
	return wake
}

package snapshot

import (
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/lockstep/lockstep/api/policy"
	v1 "github.com/lockstep/lockstep/api/v1"
)

// Instance is one container that runs or is paused, in the source's own words.
// A container that is created, exited or being removed is no instance. An
// Instance that was handed on is never changed again.
type Instance struct {
	ID      string            // the full container id
	Name    string            // without the leading slash
	Created time.Time         // UTC, whole seconds
	Project string            // Compose project, or ""
	Service string            // Compose service, or ""
	Labels  map[string]string // all labels
	Paused  bool
	Health  Health
	// Stopping names the signal of a stop that was seen to begin ("SIGTERM"); "" when none was.
	Stopping string
	// StoppingSince is when that stop began; zero when none was seen.
	StoppingSince time.Time
	// HostNetwork is set for containers that share the host's network stack.
	HostNetwork bool
	Networks    []Network // sorted by name
	Ports       []Port    // TCP only, sorted by number, each once
	// Partial is set while not all of this is known: ports may be missing, and health.
	Partial bool
}

// Health is what Docker's HEALTHCHECK says.
type Health string

// The states of health.
const (
	NoHealthcheck  Health = ""
	HealthStarting Health = "starting"
	Healthy        Health = "healthy"
	Unhealthy      Health = "unhealthy"
)

// Network is one Docker network that an instance is connected to.
type Network struct {
	Name    string
	Driver  string     // "bridge", "overlay", "macvlan", …; "" when unknown
	Address netip.Addr // the instance's address there: IPv4, or IPv6 where there is no IPv4
}

// Port is one TCP port that an instance exposes.
type Port struct {
	Number    uint16
	Published []netip.AddrPort // host address (possibly unspecified) and port; sorted
}

// Delta is what became known since the last Delta of the same source.
type Delta struct {
	// Full says that Changed lists the whole world: what is not in it is gone.
	Full    bool
	Changed []Instance // sorted by ID, each once
	Removed []string   // container ids, sorted; empty when Full
	// Attachments, when not nil, says anew how these gateways reach instances.
	Attachments Attachments
	// Declared are the services that manifests declare and that changed, by name;
	// nil: no longer declared.
	Declared map[string]*v1.Declared
	// Shared, when not nil, says anew what is declared that belongs to no service.
	Shared *v1.Shared
	// Policies, when not nil, says anew who may claim what.
	Policies *policy.Set
	// Seen is when the oldest event in the delta reached us; zero when no event caused it.
	Seen time.Time
}

// Empty reports whether the delta says nothing.
func (d Delta) Empty() bool {
	return !d.Full && len(d.Changed) == 0 && len(d.Removed) == 0 && d.Attachments == nil && len(d.Declared) == 0 && d.Shared == nil && d.Policies == nil
}

// Then returns the delta that says what d and, after it, next say together.
func (d Delta) Then(next Delta) Delta {
	if next.Empty() {
		return d
	}
	if d.Empty() || next.Full {
		if next.Attachments == nil {
			next.Attachments = d.Attachments
		}
		next.declaredAfter(d)
		return next
	}
	byID := make(map[string]*Instance, len(d.Changed)+len(next.Changed))
	removed := make(map[string]bool, len(d.Removed)+len(next.Removed))
	for _, half := range []Delta{d, next} {
		for i := range half.Changed {
			byID[half.Changed[i].ID] = &half.Changed[i]
			delete(removed, half.Changed[i].ID)
		}
		for _, id := range half.Removed {
			delete(byID, id)
			removed[id] = true
		}
	}
	out := Delta{Full: d.Full, Attachments: d.Attachments, Declared: next.Declared, Shared: next.Shared, Policies: next.Policies, Seen: d.Seen}
	out.declaredAfter(d)
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		out.Changed = append(out.Changed, *byID[id])
	}
	if !out.Full {
		out.Removed = slices.Sorted(maps.Keys(removed))
	}
	if next.Attachments != nil {
		out.Attachments = maps.Clone(out.Attachments)
		if out.Attachments == nil {
			out.Attachments = Attachments{}
		}
		maps.Copy(out.Attachments, next.Attachments)
	}
	if out.Seen.IsZero() {
		out.Seen = next.Seen
	}
	return out
}

// declaredAfter adds what was declared before and not since.
func (d *Delta) declaredAfter(before Delta) {
	if len(before.Declared) > 0 {
		declared := maps.Clone(before.Declared)
		maps.Copy(declared, d.Declared)
		d.Declared = declared
	}
	if d.Shared == nil {
		d.Shared = before.Shared
	}
	if d.Policies == nil {
		d.Policies = before.Policies
	}
}

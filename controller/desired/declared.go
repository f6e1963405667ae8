package desired

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/snapshot"
)

// declare takes in what manifests say, policies among that, and returns the services
// that it is about.
func (b *Builder) declare(delta snapshot.Delta) map[string]bool {
	changed := map[string]bool{}
	if delta.Full {
		for name, s := range b.services {
			if s.said != nil && delta.Declared[name] == nil {
				s.said = nil
				changed[name] = true
			}
		}
	}
	for name, declared := range delta.Declared {
		if _, known := b.services[name]; known || declared != nil {
			b.service(name).said = declared
			changed[name] = true
		}
	}
	if delta.Policies != nil {
		b.policies = *delta.Policies
		for name, s := range b.services {
			changed[name] = changed[name] || s.said != nil
		}
	}
	maps.DeleteFunc(changed, func(_ string, is bool) bool { return !is })
	for name := range changed {
		s := b.services[name]
		s.declare(b.lawful(s.said))
		if s.said == nil {
			b.selectors.put(name, nil)
		} else {
			b.selectors.put(name, s.said.Selector)
		}
	}
	return changed
}

// live reports whether a service is there by more than its grace time.
func (s *service) live() bool { return len(s.members) > 0 || s.rooted() }

// rooted reports whether a manifest declares the service, with or without containers.
func (s *service) rooted() bool { return s.declared != nil && !s.declared.Addition }

// there reports whether a service is there at all: not only what manifests would add to it.
func (s *service) there() bool { return s.live() || !s.until.IsZero() }

// declare replaces what manifests say of the service; nil: nothing. A static
// endpoint stands among the members like a container that is ready.
func (s *service) declare(declared *v1.Declared) {
	s.declared, s.static = declared, nil
	if declared == nil {
		return
	}
	for i := range declared.Endpoints {
		e := &declared.Endpoints[i]
		id := sha256.Sum256([]byte("static " + e.Address.String()))
		s.static = append(s.static, member{
			container: &container{
				instance: snapshot.Instance{ID: hex.EncodeToString(id[:]), Name: e.Address.String()},
				enabled:  true, life: LifeReady, reason: v1.Serving,
				address: e.Address, origin: e.Origin,
			},
			part: &e.Part,
		})
	}
}

// overlay puts what manifests say over what labels do, and reports where the two
// differ.
func (s *service) overlay() {
	s.settings, s.decisions = s.labels, nil
	if s.declared == nil {
		return
	}
	if s.declared.Withheld != nil && s.declared.Withheld.Reason == v1.PolicyDenied {
		s.problems = append(s.problems, *s.declared.Withheld)
	}
	merged, overruled := s.declared.Over(s.labels)
	s.settings, s.decisions = merged, s.declared.Decisions(&s.labels, &merged, overruled)
	at := s.declared.Service.Origin
	if s.declared.Addition && len(overruled) > 0 {
		at = s.declared.Place(overruled[0].Setting)
	}
	if s.declared.Alone || slices.Contains(s.declared.Fields, "rollout") {
		s.rolledBy = at
	}
	if len(overruled) == 0 || !s.labelled() {
		return
	}
	fields := make([]string, len(overruled))
	for i := range overruled {
		fields[i] = overruled[i].Setting
	}
	decides, fix := "which decides", "remove these labels, or these fields of the manifest"
	if s.declared.Alone {
		decides, fix = "which lets labels say nothing", "remove these labels, or override: forbid from the manifest"
	}
	s.problems = append(s.problems, v1.Problem{
		Reason: v1.Conflict,
		Object: v1.Key{Kind: v1.KindService, Name: s.name},
		Origin: v1.Origin{Container: s.labels.Origin.Container},
		Message: fmt.Sprintf("its labels for service %s differ from the manifest at %s, %s (%s)",
			s.name, at, decides, named(fields)),
		Fix: fix,
	})
}

package desired

import (
	"fmt"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/ledger"
)

// While a policy can't be read that never was good, or a Listener with hosts to itself, nobody
// knows what it is to keep out.
// What stands in the ledger stands, and what manifests declare: the operator wrote it.
// Labels get nothing new: no service, and no other settings for one that is there.

// unlet says why a container is not let in: it is of a service that is new. Instances of
// those that are there come and go.
func (b *Builder) unlet(c *container, parts []v1.DeclaredService) []v1.Problem {
	unread := b.policies.Unread()
	if unread == nil {
		return nil
	}
	for i := range parts {
		name := parts[i].Service.Name
		_, known := b.memory.Services.Lookup(name)
		if s := b.services[name]; !known && (s == nil || !s.rooted()) {
			return []v1.Problem{waitsFor(unread, v1.Key{Kind: v1.KindInstance, Name: c.instance.Name}, c.instance.Name, "it is new")}
		}
	}
	return nil
}

// keep lets a service keep what the ledger says that its labels asked for last, and says
// what waits.
func (b *Builder) keep(s *service, remembered ledger.Service, known bool) {
	unread := b.policies.Unread()
	if unread == nil {
		return
	}
	last := remembered.Settings
	if !known { // a manifest declares it
		last = v1.NewService(s.name)
		last.Origin = s.labels.Origin
	}
	fields := differing(last, s.labels)
	if len(fields) == 0 {
		return
	}
	s.problems = append(s.problems, waitsFor(unread, v1.Key{Kind: v1.KindService, Name: s.name}, s.labels.Origin.Container,
		fmt.Sprintf("what its labels ask for that is new (%s) waits", strings.Join(fields, ", "))))
	s.labels, s.rolledBy, s.kept = last, v1.Origin{}, true
	if !last.Rollout.IsZero() {
		s.rolledBy = last.Origin
	}
}

// waitsFor says that something waits until what may forbid it can be read.
func waitsFor(unread *v1.Problem, object v1.Key, container, what string) v1.Problem {
	return v1.Problem{
		Reason: v1.PolicyDenied, Object: object, Origin: v1.Origin{Container: container},
		Message: fmt.Sprintf("%s, and what may forbid it is wrong and never was good: %s: %s", what, unread.Origin, unread.Message),
		Fix:     "correct that file, or remove it",
	}
}

package desired

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// inOrder returns the members of a service in the order in which they decide: those that
// are only selected last, for they say nothing, then the newest reachable copy in the
// highest life.
func (b *Builder) inOrder(s *service) []member {
	useful := make(map[string]bool, len(s.members))
	for id, m := range s.members {
		useful[id] = b.reachable(m)
	}
	return slices.SortedFunc(maps.Values(s.members), func(x, y member) int {
		return cmp.Or(
			trueFirst(x.labelled(), y.labelled()),
			trueFirst(useful[x.container.instance.ID], useful[y.container.instance.ID]),
			cmp.Compare(y.container.life, x.container.life),
			y.container.instance.Created.Compare(x.container.instance.Created),
			cmp.Compare(y.container.instance.ID, x.container.instance.ID))
	})
}

// decide takes the settings of the first of the members, and reports the copies that ask
// for something else. They keep their traffic.
func (b *Builder) decide(s *service, members []member) {
	if n := slices.IndexFunc(members, func(m member) bool { return !m.labelled() }); n >= 0 {
		members = members[:n]
	}
	s.until, s.problems = time.Time{}, nil
	chosen := members[0]
	s.labels = chosen.part.Service
	s.labels.Origin = v1.Origin{Container: chosen.container.instance.Name}
	s.oldest = chosen.container.instance.Created
	b.decideRollout(s, members)
	for _, other := range members[1:] {
		if created := other.container.instance.Created; created.Before(s.oldest) {
			s.oldest = created
		}
		if fields := differing(withoutRollout(s.labels), withoutRollout(other.part.Service)); len(fields) > 0 {
			s.problems = append(s.problems, v1.Problem{
				Reason: v1.Conflict,
				Object: v1.Key{Kind: v1.KindService, Name: s.name},
				Origin: v1.Origin{Container: other.container.instance.Name},
				Message: fmt.Sprintf("its labels for service %s differ from those of container %q, the newest ready copy, which decides (%s)",
					s.name, chosen.container.instance.Name, strings.Join(fields, ", ")),
				Fix: "recreate the older copies with the same labels, or give it a service of its own with the label " + b.label("service"),
			})
		}
	}
	slices.SortFunc(s.problems, func(x, y v1.Problem) int { return cmp.Compare(x.Origin.Container, y.Origin.Container) })
}

// decideRollout takes the shares of the first member, in the order in which they
// decide, that has any, and likewise what picks a version. While versions change,
// most copies know nothing of the rollout, and the newest may be a copy of the old
// version that was started again: silence is no wish for an end, and no
// disagreement either.
func (b *Builder) decideRollout(s *service, members []member) {
	var r v1.Rollout
	s.rolledBy = v1.Origin{}
	for _, m := range members {
		said := m.part.Service.Rollout
		if s.rolledBy.IsZero() && !said.IsZero() || len(r.Shares) == 0 && len(said.Shares) > 0 {
			s.rolledBy = v1.Origin{Container: m.container.instance.Name}
		}
		if len(r.Shares) == 0 {
			r.Shares = said.Shares
		}
		r.Header, r.Cookie = cmp.Or(r.Header, said.Header), cmp.Or(r.Cookie, said.Cookie)
	}
	s.labels.Rollout = r
}

func withoutRollout(s v1.Service) v1.Service {
	s.Rollout = v1.Rollout{}
	return s
}

// reachable reports whether any gateway that the member wants could send it
// traffic. One that none can reach, for want of a port or a network, has no say in
// what becomes of the others.
func (b *Builder) reachable(m member) bool {
	ways := b.wished(&m.part.Service)
	if b.byDefault(&m.part.Service) { // one that HAProxy does not reach, Kong does directly
		ways = both
	}
	return slices.ContainsFunc(b.options.Gateways, func(gateway v1.Gateway) bool {
		return roleBy(ways, gateway).instances && locate(m, b.attachments[gateway], b.options).reason == ""
	})
}

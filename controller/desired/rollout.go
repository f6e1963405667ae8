package desired

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// newRolloutStanding begins the account of a service's rollout; nil when there is none.
func newRolloutStanding(s *service, members []member) *RolloutStanding {
	if s.settings.Rollout.IsZero() || len(members) == 0 {
		return nil
	}
	asked := map[string]*int{}
	for _, m := range members {
		asked[m.part.Version] = nil
	}
	for version, share := range s.settings.Rollout.Shares {
		asked[version] = &share
	}
	out := &RolloutStanding{DecidedBy: s.rolledBy, Header: s.settings.Rollout.Header, Cookie: s.settings.Rollout.Cookie}
	for _, version := range slices.Sorted(maps.Keys(asked)) {
		out.Versions = append(out.Versions, VersionStanding{Version: version, Asked: asked[version]})
	}
	return out
}

// share gives the endpoints on one gateway the weights that the rollout asks for,
// and says so in the standing; at holds the place of each endpoint's instance there.
// Endpoints that drain, and those whose own weight is 0, take no part. It costs in
// proportion to the service's instances.
func (b *Builder) share(s *service, gateway v1.Gateway, endpoints []v1.Endpoint, at []int, standing *Standing) {
	if standing.Rollout == nil {
		return
	}
	var taking []*v1.Endpoint
	var instances []*InstanceStanding
	var parts []part
	for i := range endpoints {
		if e := &endpoints[i]; !e.Draining && e.Weight > 0 {
			instance := &standing.Instances[at[i]]
			taking, instances = append(taking, e), append(instances, instance)
			parts = append(parts, part{version: instance.Version, own: e.Weight})
		}
	}
	if shares := s.settings.Rollout.Shares; len(shares) > 0 {
		for i, weight := range split(shares, parts) {
			taking[i].Weight = weight
		}
	}
	ready, got, total := map[string]int{}, map[string]int{}, 0
	for i, e := range taking {
		ready[parts[i].version]++
		got[parts[i].version] += e.Weight
		total += e.Weight
		if e.Weight == 0 {
			b.idle(instances[i], gateway, b.picks(s, gateway) && parts[i].version != "")
		}
	}
	for i := range standing.Rollout.Versions {
		v := &standing.Rollout.Versions[i]
		share := VersionShare{Gateway: gateway, Ready: ready[v.Version]}
		if total > 0 {
			share.Share = 100 * float64(got[v.Version]) / float64(total)
		}
		v.Shares = append(v.Shares, share)
	}
}

// idle says of an instance that its version leaves it without traffic.
func (b *Builder) idle(i *InstanceStanding, gateway v1.Gateway, picked bool) {
	for n := range i.Verdicts {
		v := &i.Verdicts[n]
		switch {
		case v.Gateway != gateway:
		case picked:
			v.Message = fmt.Sprintf("only from requests that pick it: its %s has no share of the others in the rollout", SayVersion(i.Version))
		default:
			v.Reason = v1.Draining
			v.Message = fmt.Sprintf("its %s has no share of the traffic in the rollout", SayVersion(i.Version))
			v.Fix = fmt.Sprintf("give its version a share with the label %s.%s, or stop it when it is no longer needed", b.label("rollout"), cmp.Or(i.Version, "VERSION"))
		}
	}
}

// SayVersion names a version in a sentence.
func SayVersion(version string) string {
	if version == "" {
		return "unnamed version"
	}
	return "version " + version
}

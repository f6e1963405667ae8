package reconcilers

import (
	"slices"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// removal is a service or route that a plan removes for good.
type removal struct {
	owner    v1.Key
	service  string
	sentence string
}

// removals returns what the plan removes for good: services, and routes of
// services that stay, less those that are replaced; services first, each by name.
// What is still desired in any form only loses a part.
func removals(p plan.Plan, desired plan.State) []removal {
	stays := make(map[v1.Key]bool, len(desired))
	for _, object := range desired {
		stays[object.Owner] = true
	}
	leaving := map[string]bool{} // services that go
	made := map[v1.Key]string{}  // routes that are made, and of which service
	taken := map[string]bool{}   // matches that somebody gets
	for _, change := range p.Changes {
		object := change.Object()
		switch {
		case change.Op == plan.Delete && object.Owner.Kind == v1.KindService && !stays[object.Owner]:
			leaving[object.Service] = true
		case change.Op == plan.Create && object.Owner.Kind == v1.KindRoute:
			made[object.Owner] = object.Service
			taken[object.Match] = true
		}
	}
	seen := map[v1.Key]bool{}
	var out []removal
	for _, change := range p.Changes {
		object := change.Object()
		counts := object.Owner.Kind == v1.KindService ||
			object.Owner.Kind == v1.KindRoute && !leaving[object.Service] && (object.Match == "" || !taken[object.Match])
		if change.Op == plan.Delete && counts && !stays[object.Owner] && !seen[object.Owner] {
			seen[object.Owner] = true
			out = append(out, removal{owner: object.Owner, service: object.Service, sentence: change.Sentence()})
		}
	}
	slices.SortFunc(out, func(a, b removal) int { return servicesFirst(a.owner, b.owner) })
	return lessReplaced(out, p, made)
}

// lessReplaced leaves out as many removed routes of a service as it gets new
// ones. A route that is removed and made in one plan is neither.
func lessReplaced(removed []removal, p plan.Plan, made map[v1.Key]string) []removal {
	credit := map[string]int{}
	for _, service := range made {
		credit[service]++
	}
	changed := map[v1.Key]bool{}
	for _, change := range p.Changes {
		owner := change.Object().Owner
		if service, again := made[owner]; again && change.Op == plan.Delete && !changed[owner] {
			changed[owner] = true
			credit[service]--
		}
	}
	return slices.DeleteFunc(removed, func(r removal) bool {
		if r.owner.Kind != v1.KindRoute || credit[r.service] <= 0 {
			return false
		}
		credit[r.service]--
		return true
	})
}

// servicesFirst orders owners: services before routes, each by name.
func servicesFirst(a, b v1.Key) int {
	if a.Kind != b.Kind {
		return -a.Compare(b)
	}
	return a.Compare(b)
}

package reconcilers

import (
	"maps"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// ByService sorts what a gateway's Compile of set could not express by the services
// that it concerns, and names the gateway in it.
func ByService(gateway v1.Gateway, set v1.Set, inexpressible []v1.Problem) map[string][]v1.Problem {
	problems := map[string][]v1.Problem{}
	for _, problem := range inexpressible {
		problem.Gateway = gateway
		for _, service := range servicesOf(set, problem.Object) {
			problems[service] = append(problems[service], problem)
		}
	}
	return problems
}

// servicesOf returns the services of set that a neutral object is or belongs
// to: one, but for a container that is an instance of several.
func servicesOf(set v1.Set, object v1.Key) []string {
	switch object.Kind {
	case v1.KindRoute:
		if dot := strings.LastIndexByte(object.Name, '.'); dot > 0 {
			return []string{object.Name[:dot]}
		}
	case v1.KindEntity: // they stand apart, as the gateway's objects do
		return []string{v1.EntityGroup}
	case v1.KindCertificate, v1.KindSection, v1.KindListener, v1.KindConfig: // each stands for itself, as the gateway's objects do
		return []string{object.String()}
	case v1.KindInstance:
		var names []string
		for _, name := range slices.Sorted(maps.Keys(set)) {
			if slices.ContainsFunc(set[name].Endpoints, func(e v1.Endpoint) bool { return e.ID == object.Name }) {
				names = append(names, name)
			}
		}
		return names
	}
	return []string{object.Name}
}

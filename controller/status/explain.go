package status

import (
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
)

// Explanation says what became of one container, or of one service.
type Explanation struct {
	// Subject is the container or service that was asked for.
	Subject string `json:"subject"`
	// Services are the accounts of the services that it is or is part of; for a
	// container they hold no other instance.
	Services []Service `json:"services,omitempty"`
	// Problems are why it was left out.
	Problems []v1.Problem `json:"problems,omitempty"`
}

// Explain looks a container up by name, id or the beginning of an id (at least
// four characters), or a service by name. It returns false when nothing known
// is called so.
func (s *Store) Explain(ref string) (Explanation, bool) {
	report := s.Report()
	explanation := Explanation{Subject: ref}
	for _, service := range report.Services {
		if service.Service == ref {
			return Explanation{Subject: ref, Services: []Service{service}}, true
		}
	}
	for _, service := range report.Services {
		var mine []desired.InstanceStanding
		for _, instance := range service.Instances {
			if names(ref, instance.ID, instance.Container) {
				mine = append(mine, instance)
			}
		}
		if len(mine) > 0 {
			service.Instances = mine
			explanation.Services = append(explanation.Services, service)
		}
	}
	for _, refused := range report.Refused {
		for _, problem := range refused.Problems {
			if names(ref, refused.ID, problem.Origin.Container) {
				explanation.Problems = append(explanation.Problems, problem)
			}
		}
	}
	return explanation, len(explanation.Services) > 0 || len(explanation.Problems) > 0
}

// names reports whether ref means the container.
func names(ref, id, name string) bool {
	return ref == name || ref == id || len(ref) >= 4 && strings.HasPrefix(id, ref)
}

package status

import (
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
)

// Explanation says what became of one container or service, or of a request.
type Explanation struct {
	// Subject is the container, service or address that was asked for.
	Subject string `json:"subject"`
	// Revision is that of the report that it was taken from; 0 when it was not.
	Revision uint64 `json:"revision,omitempty"`
	// Services are the accounts of the services that it is or is part of; for a
	// container they hold no other instance.
	Services []Service `json:"services,omitempty"`
	// Decisions are, of a container or a static endpoint, all decisions on it from its
	// labels to what the gateways hold, in each of its services.
	Decisions []desired.Trail `json:"decisions,omitempty"`
	// Undecided says why Decisions are not known, where they could be.
	Undecided string `json:"undecided,omitempty"`
	// Problems are why it was left out.
	Problems []v1.Problem `json:"problems,omitempty"`
	// Answers say, when an address was asked for, what each gateway makes of it.
	Answers []Answer `json:"answers,omitempty"`
	// Unasked are the gateways that serve a change only a while after they accepted it,
	// and that nobody asks: what is Serving there is only known to be accepted.
	Unasked []v1.Gateway `json:"unasked,omitempty"`

	gateways []Gateway // as they were when it was taken from the report
}

// Explain looks a container up by name, id or the beginning of an id (at least
// four characters), or a service by name. It returns false when nothing known
// is called so.
func (s *Store) Explain(ref string) (Explanation, bool) {
	report := s.now()
	explanation := Explanation{Subject: ref, Revision: report.Revision, Services: servicesOf(report, ref), gateways: report.Gateways}
	if len(explanation.Services) == 0 || explanation.Services[0].Service != ref {
		for _, refused := range report.Refused {
			for _, problem := range refused.Problems {
				if desired.Means(ref, refused.ID, problem.Origin.Container) {
					explanation.Problems = append(explanation.Problems, problem)
				}
			}
		}
	}
	for _, gateway := range report.Gateways {
		if v := gateway.Verification; v != nil && v.Off && explanation.serves(gateway.Name) {
			explanation.Unasked = append(explanation.Unasked, gateway.Name)
		}
		for _, problem := range gateway.Problems {
			if entityOf(problem.Object, ref) {
				explanation.Problems = append(explanation.Problems, problem)
			}
		}
		for _, held := range gateway.Held {
			if held.Owner.Name == ref || held.Owner.Kind == v1.KindRoute && strings.HasPrefix(held.Owner.Name, ref+".") {
				explanation.Problems = append(explanation.Problems, held.Problem(gateway.Name))
			}
		}
	}
	var waiting []v1.Problem
	for _, problem := range report.Waiting {
		if problem.Object.Name == ref || problem.Object.Kind == v1.KindRoute && strings.HasPrefix(problem.Object.Name, ref+".") {
			waiting = append(waiting, problem)
		}
	}
	report.near(waiting)
	explanation.Problems = append(explanation.Problems, waiting...)
	return explanation, len(explanation.Services) > 0 || len(explanation.Problems) > 0
}

// serves reports whether a route of what is explained is served on a gateway.
func (e *Explanation) serves(gateway v1.Gateway) bool {
	return slices.ContainsFunc(e.Services, func(s Service) bool {
		return slices.ContainsFunc(s.Routes, func(r desired.RouteStanding) bool { return verdictOn(gateway, r.Verdicts).Reason == v1.Serving })
	})
}

// entityOf reports whether an object is an entity in Kong's own words that is called
// ref, or belongs to it: "consumer/alice", "acl/alice/staff", "plugin/consumer/alice/cors".
func entityOf(object v1.Key, ref string) bool {
	_, name, _ := strings.Cut(object.Name, "/")
	return object.Kind == v1.KindEntity && ref != "" && strings.Contains("/"+name+"/", "/"+ref+"/")
}

// servicesOf returns the service that is called ref, or else the accounts of
// the container that is, each without the other instances.
func servicesOf(report Report, ref string) []Service {
	var found []Service
	for _, service := range report.Services {
		if service.Service == ref {
			return []Service{service}
		}
		service.Instances = slices.DeleteFunc(slices.Clone(service.Instances), func(i desired.InstanceStanding) bool {
			return !desired.Means(ref, i.ID, i.Container)
		})
		if len(service.Instances) > 0 {
			found = append(found, service)
		}
	}
	return found
}

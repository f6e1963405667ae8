package status

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
	"github.com/lockstep/lockstep/reconcilers/routing"
)

// natives returns the routes that are declared in Kong's own words, as candidates for a
// request, in Kong alone. Who answers there is known where they are on one of our services
// alone. Routes by an expression, and what Kong would refuse, are none, nor are those whose
// name is among taken: Kong has each once.
func (s *Store) natives(gateway v1.Gateway, report Report, request routing.Request, taken map[string]candidate) []candidate {
	if gateway != v1.Kong {
		return nil
	}
	entities := s.declaredEntities()
	var out []candidate
	for i := range entities {
		e := &entities[i]
		if _, is := taken[e.Name]; is || e.Kind != v1.KindRoute || e.Body["expression"] != nil {
			continue
		}
		c := candidate{
			declared: e.Origin, route: desired.RouteStanding{Route: v1.Route{Name: e.Name}},
			verdict: desired.Verdict{Gateway: v1.Kong, Reason: v1.Serving}, row: s.native(e),
		}
		if e.Withheld != nil {
			c.verdict.Reason, c.verdict.Message, c.verdict.Fix = e.Withheld.Reason, e.Withheld.Message, e.Withheld.Fix
		}
		c.service.Service = e.Ref("service")
		for n := range report.Services {
			if report.Services[n].Service == c.service.Service {
				c.service, c.ours = report.Services[n], true
			}
		}
		c.row.ServicePath = pathOf(entities, c.service.Service)
		if matches, err := takes(c.row, request); err == nil && matches {
			out = append(out, c)
		}
	}
	return out
}

// native returns a route in Kong's own words as Kong decides by it; what is left out is as
// Kong has it by default.
func (s *Store) native(e *v1.Entity) routing.Route {
	r := routing.Route{
		ID: e.ID, Name: e.Name, StripPath: true, Protocols: words(e.Body["protocols"]), Methods: words(e.Body["methods"]),
		Hosts: words(e.Body["hosts"]), Paths: words(e.Body["paths"]), SNIs: words(e.Body["snis"]),
		RegexPriority: number(e.Body["regex_priority"]), Redirect: number(e.Body["https_redirect_status_code"]),
	}
	if r.ID == "" {
		r.ID = v1.Key{Kind: e.Kind, Name: e.Name}.UUID(s.owner, e.Workspace)
	}
	if strip, is := e.Body["strip_path"].(bool); is {
		r.StripPath = strip
	}
	r.PreserveHost, _ = e.Body["preserve_host"].(bool)
	if headers, is := e.Body["headers"].(map[string]any); is {
		r.Headers = map[string][]string{}
		for name, values := range headers {
			r.Headers[name] = words(values)
		}
	}
	return r
}

// pathOf returns the path of a service in Kong's own words; "" where there is no such service.
func pathOf(entities []v1.Entity, service string) string {
	i := slices.IndexFunc(entities, func(e v1.Entity) bool { return e.Kind == v1.KindService && (e.Name == service || e.ID == service) })
	if i < 0 || service == "" {
		return ""
	}
	if path, is := entities[i].Body["path"].(string); is {
		return path
	}
	text, _ := entities[i].Body["url"].(string)
	if u, err := url.Parse(text); err == nil {
		return u.Path
	}
	return ""
}

// words returns a list of texts as JSON has it.
func words(value any) []string {
	list, _ := value.([]any)
	var out []string
	for _, item := range list {
		out = append(out, fmt.Sprint(item))
	}
	return out
}

// number returns a number as JSON has it; 0 for none.
func number(value any) int {
	switch n := value.(type) {
	case int:
		return n
	case int64:
		return int(n)
	case float64:
		return int(n)
	case json.Number:
		if whole, err := n.Int64(); err == nil {
			return int(whole)
		}
	}
	return 0
}

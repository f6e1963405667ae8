package status

import (
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/routing"
)

// byName returns the route that takes the connection by the name that a client
// over TLS asks for, before any request is seen; false when that is none. The most
// specific name decides, and it may be one of HTTP's.
func byName(report Report, gateway v1.Gateway, request routing.Request) (candidate, bool) {
	if gateway != v1.HAProxy || request.Scheme != "https" {
		return candidate{}, false
	}
	host, _, _ := strings.Cut(strings.ToLower(request.Host), ":")
	var best candidate
	longest := 0
	for _, service := range report.Services {
		for _, route := range service.Routes {
			if verdictOn(gateway, route.Verdicts).Reason != v1.Serving {
				continue
			}
			for _, name := range slices.Concat(route.Hosts, route.SNIs) {
				if n := specificity(name, host); n > longest {
					best, longest = candidate{service: service, route: route, verdict: verdictOn(gateway, route.Verdicts)}, n
				}
			}
		}
	}
	return best, len(best.route.SNIs) > 0
}

// asIs returns the route that takes connections over TLS by the host's name as they are,
// where a request comes without TLS.
func asIs(report Report, gateway v1.Gateway, request routing.Request) []Other {
	over := request
	if over.Scheme != "http" {
		return nil
	}
	over.Scheme = "https"
	c, passed := byName(report, gateway, over)
	if !passed {
		return nil
	}
	return []Other{{
		Route: c.route.Name, Reason: v1.Serving, Message: "it takes connections over TLS by this name, as they are, and no HTTP request",
		Fix: "ask about https://" + request.Host + request.Target,
	}}
}

// specificity returns how closely a name means a host; 0 when it does not, or when
// nothing can be passed on by it.
func specificity(name, host string) int {
	suffix, wild := strings.CutPrefix(name, "*")
	switch {
	case name == host:
		return len(host) + 1
	case wild && strings.HasSuffix(host, suffix) && len(host) > len(suffix):
		return len(suffix)
	}
	return 0
}

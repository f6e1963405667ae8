package status

import (
	"net"
	"net/netip"
	"slices"
	"strconv"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/routing"
)

// PortOf returns the port of a word that asks about one: ":5672" or "127.0.0.1:5672".
// Names of containers and services hold no colon.
func PortOf(ref string) (port int, is bool) {
	host, number, err := net.SplitHostPort(ref)
	if err != nil {
		return 0, false
	}
	if _, err := netip.ParseAddr(host); err != nil && host != "" && host != "localhost" {
		return 0, false
	}
	port, err = strconv.Atoi(number)
	return port, err == nil && port > 0 && port < 1<<16
}

// ExplainPort says which route takes the connections to a TCP port on HAProxy, the one
// gateway that has any. On which addresses it listens is the operator's to say.
func (s *Store) ExplainPort(ref string, port int) Explanation {
	report := s.report((*Store).merge)
	explanation := Explanation{Subject: ref}
	for _, gateway := range report.Gateways {
		answer := onPort(report, gateway.Name, port)
		if answer.Unknown = gateway.unknown(); answer.Unknown == "" {
			answer.Stale = gateway.stale()
		}
		if gateway.Name == v1.HAProxy || answer.PassedOn || wanted(answer) {
			explanation.Answers = append(explanation.Answers, answer)
		}
	}
	return explanation
}

// wanted reports whether a service names the gateway for the port: else only HAProxy
// listens where services ask.
func wanted(a Answer) bool {
	return slices.ContainsFunc(a.Others, func(o Other) bool { return o.Reason != v1.NotEnabled })
}

// onPort returns what a gateway makes of connections to a port.
func onPort(report Report, gateway v1.Gateway, port int) Answer {
	answer := Answer{Gateway: gateway, Port: port}
	for _, service := range report.Services {
		for _, route := range service.Routes {
			if !slices.Contains(route.Listen, port) {
				continue
			}
			c := candidate{service: service, route: route, verdict: verdictOn(gateway, route.Verdicts)}
			if c.verdict.Reason != v1.Serving {
				answer.Others = append(answer.Others, c.other())
				continue
			}
			answer.PassedOn = true
			answer.take(c, routing.Decision{})
		}
	}
	return answer
}

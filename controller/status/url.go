package status

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
	"github.com/lockstep/lockstep/reconcilers/routing"
)

// Answer says what a gateway makes of a request.
type Answer struct {
	Gateway v1.Gateway `json:"gateway"` // which one
	// Status is the gateway's own answer (404, 503); 0 when an instance answers.
	Status int `json:"status,omitempty"`
	// Route and Service are those that take the request; "" when none does.
	Route   string `json:"route,omitempty"`
	Service string `json:"service,omitempty"`
	// Target is the path and query that an instance gets.
	Target string `json:"target,omitempty"`
	// Through is the gateway behind this one over which they are reached; "" when there is none.
	Through v1.Gateway `json:"through,omitempty"`
	// PassedOn says that they get the connection as it is, and end TLS themselves.
	PassedOn bool `json:"passed_on,omitempty"`
	// Proof says that the client must show a certificate.
	Proof bool `json:"client_certificate,omitempty"`
	// Only is the Listener of HAProxy's at which alone it is answered; "" for none.
	Only string `json:"only_listener,omitempty"`
	// NotAt are the Listeners at which it is not answered, because they take other hosts alone.
	NotAt []string `json:"not_at_listeners,omitempty"`
	// Instances are the containers among which the gateway chooses.
	Instances []string `json:"instances,omitempty"`
	// Port is the TCP port, when one was asked about.
	Port int `json:"port,omitempty"`
	// Unknown says why nobody knows yet what the gateway makes of it; "" where it is known.
	Unknown string `json:"unknown,omitempty"`
	// Stale says that the gateway was last told so, and what has become of it since.
	Stale string `json:"stale,omitempty"`
	// Declared is where the route is declared, when it is one in Kong's own words.
	Declared v1.Origin `json:"declared,omitzero"`
	// Held says that the route is wanted no more, and that the guard keeps it.
	Held bool `json:"held,omitempty"`
	// Holds are what the guard keeps without anybody knowing which requests it takes; they
	// get 503.
	Holds []v1.Key `json:"holds,omitempty"`
	// Others are routes that match as well, and why it is not them.
	Others []Other `json:"others,omitempty"`
}

// Other is a route that matches a request and does not take it.
type Other struct {
	Route   string    `json:"route"`         // its name
	Reason  v1.Reason `json:"reason"`        // Serving: it is served, and another one goes before it
	Message string    `json:"message"`       // the same for people
	Fix     string    `json:"fix,omitempty"` // what to do about it
}

// ErrAddress is returned for what can't be read as an address.
var ErrAddress = errors.New("no address like shop.example.com/path")

// IsURL reports whether a word asks about a request rather than a container
// or service: neither of those holds a slash, but for one that Docker puts first.
func IsURL(ref string) bool { return strings.Contains(strings.TrimPrefix(ref, "/"), "/") }

// ExplainURL says which route takes a GET for HOST/PATH, with or without a
// scheme, on each gateway.
func (s *Store) ExplainURL(ref string) (Explanation, error) {
	text := ref
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return Explanation{}, fmt.Errorf("%q: %w", ref, ErrAddress)
	}
	request := routing.Request{Scheme: u.Scheme, Method: http.MethodGet, Host: u.Host, Target: u.RequestURI(), Header: http.Header{}}
	report := s.report((*Store).merge)
	explanation := Explanation{Subject: ref}
	for _, gateway := range report.Gateways {
		answer := Answer{Gateway: gateway.Name, Unknown: gateway.unknown()}
		if answer.Unknown == "" {
			if answer, err = s.decide(report, gateway, request); err != nil {
				return Explanation{}, err
			}
			answer.Stale = gateway.stale()
		}
		explanation.Answers = append(explanation.Answers, answer)
	}
	return explanation, nil
}

// candidate is a route that matches, with what is said of it on one gateway.
type candidate struct {
	service Service
	route   desired.RouteStanding
	verdict desired.Verdict
	row     routing.Route // the same as the gateway decides by it
	held    bool          // it is wanted no more, and the guard keeps it

	declared v1.Origin // in Kong's own words: where
	ours     bool      // and it is on a service of ours
}

// decide returns what one gateway makes of a request.
func (s *Store) decide(report Report, on Gateway, request routing.Request) (Answer, error) {
	gateway := on.Name
	if c, passed := byName(report, gateway, request); passed {
		answer := Answer{Gateway: gateway, PassedOn: true}
		answer.take(c, routing.Decision{})
		return answer, nil
	}
	answer := Answer{Gateway: gateway, Status: http.StatusNotFound}
	matching := map[string]candidate{}
	var served []routing.Route
	var order []string
	former, holds := s.heldOn(on)
	for _, service := range slices.Concat(report.Services, former) {
		for _, route := range service.Routes {
			if route.Stream() {
				continue
			}
			c, matches, err := s.candidateOf(service, route, gateway, request)
			if err != nil {
				return Answer{}, err
			}
			if !matches {
				continue
			}
			c.held = c.verdict.Reason == v1.HeldByGuard
			order = append(order, route.Name)
			matching[route.Name] = c
			if c.verdict.Reason == v1.Serving || c.held {
				served = append(served, c.row)
			}
		}
	}
	for _, c := range s.natives(gateway, report, request, matching) {
		order, matching[c.route.Name] = append(order, c.route.Name), c
		if c.verdict.Reason == v1.Serving {
			served = append(served, c.row)
		}
	}
	table, err := routing.New(served)
	if err != nil {
		return Answer{}, fmt.Errorf("explain: %w", err)
	}
	answer.Others = asIs(report, gateway, request)
	if decision := table.Decide(request); decision.Route != nil {
		answer.take(matching[decision.Route.Name], decision)
		answer.heard(s.declaredListeners(), request.Host)
	} else {
		answer.Holds = holds
	}
	for _, name := range order {
		if name == answer.Route {
			continue
		}
		other, err := matching[name].behind(matching[answer.Route], request)
		if err != nil {
			return Answer{}, err
		}
		answer.Others = append(answer.Others, other)
	}
	return answer, nil
}

// heard fills in at which Listeners a host is answered, where that is restricted.
func (a *Answer) heard(listeners []v1.Listener, host string) {
	if a.Gateway != v1.HAProxy {
		return
	}
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimRight(strings.ToLower(host), ".")
	if a.Only = v1.RestrictionsOf(listeners).Holder(host); a.Only != "" {
		return
	}
	for i := range listeners {
		if hosts := listeners[i].Hosts; len(hosts) > 0 && !slices.ContainsFunc(hosts, func(own string) bool { return v1.Covers(own, host) }) {
			a.NotAt = append(a.NotAt, listeners[i].Name)
		}
	}
}

// candidateOf returns a route as one that may take a request; false when it does not match.
func (s *Store) candidateOf(service Service, route desired.RouteStanding, gateway v1.Gateway, request routing.Request) (candidate, bool, error) {
	c := candidate{service: service, route: route, verdict: verdictOn(gateway, route.Verdicts), row: s.asKong(v1.Expressible(&route.Route, gateway))}
	matches, err := takes(c.row, request)
	if err != nil || !matches || len(c.verdict.Without) == 0 {
		return c, matches, err
	}
	c.row.Hosts = slices.DeleteFunc(slices.Clone(c.row.Hosts), func(host string) bool { return slices.Contains(c.verdict.Without, host) })
	still, err := takes(c.row, request)
	if !still { // the host is a Listener's
		c.verdict.Reason = v1.NotExpressible
	}
	return c, true, err
}

// takes reports whether a route matches a request where there is no other.
func takes(row routing.Route, request routing.Request) (bool, error) {
	alone, err := routing.New([]routing.Route{row})
	if err != nil {
		return false, fmt.Errorf("explain: %w", err)
	}
	return alone.Decide(request).Route != nil, nil
}

// take fills in the route that won and who answers.
func (a *Answer) take(c candidate, decision routing.Decision) {
	a.Route, a.Service, a.Target, a.Status = c.route.Name, c.service.Service, decision.Target, decision.Status
	a.Through, a.Held, a.Declared = c.verdict.Through, c.held, c.declared
	a.Proof = demandsProof(v1.Expressible(&c.route.Route, a.Gateway))
	if a.Status != 0 || !c.declared.IsZero() && !c.ours { // the gateway answers by itself, as to those who come without TLS; or who answers Kong alone knows
		return
	}
	for _, instance := range c.service.Instances {
		if verdictOn(a.Gateway, instance.Verdicts).Reason == v1.Serving {
			a.Instances = append(a.Instances, instance.Container)
		}
	}
	if len(a.Instances) == 0 && !a.PassedOn {
		a.Status = http.StatusServiceUnavailable
	}
}

// behind says why a route that matches does not take the request; winner is the one that does.
func (c candidate) behind(winner candidate, request routing.Request) (Other, error) {
	other := c.other()
	if other.Reason != v1.Serving {
		return other, nil
	}
	why, err := routing.Because(&winner.row, &c.row, request)
	if err != nil {
		return Other{}, fmt.Errorf("explain: %w", err)
	}
	other.Message = fmt.Sprintf("%s goes before it: %s", winner.route.Name, why)
	return other, nil
}

// other says why a route that matches does not take the request.
func (c candidate) other() Other {
	return Other{Route: c.route.Name, Reason: c.verdict.Reason, Message: c.verdict.Message, Fix: c.verdict.Fix}
}

// verdictOn returns what is said for a gateway.
func verdictOn(gateway v1.Gateway, verdicts []desired.Verdict) desired.Verdict {
	for _, verdict := range verdicts {
		if verdict.Gateway == gateway {
			return verdict
		}
	}
	return desired.Verdict{Gateway: gateway, Reason: v1.NotEnabled}
}

// demandsProof reports whether clients of a route must show a certificate, and so come
// with TLS.
func demandsProof(r v1.Route) bool { return r.ClientCertificate == v1.CertificateRequired }

// asKong returns a route in Kong's terms.
func (s *Store) asKong(r v1.Route) routing.Route {
	if demandsProof(r) {
		r.Protocols = []string{"https"}
	}
	return routing.Route{
		ID: v1.Key{Kind: v1.KindRoute, Name: r.Name}.UUID(s.owner, ""), Name: r.Name, Methods: r.Methods, Hosts: r.Hosts, Paths: r.Paths, Headers: r.Headers,
		StripPath: r.StripPath, PreserveHost: r.PreserveHost, Protocols: r.Protocols, Redirect: r.HTTPSRedirectStatusCode,
	}
}

package desired

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// Given is what the operator has given for labels to ask for. What asks for something else
// is a wrong label: the container is set apart, and the service goes on with the other
// copies. Were it a setting of the service, one container would take the service from
// them all.
type Given struct {
	// Authorities are those that tls_ca may name.
	Authorities []string
	// TCPPorts are those on which HAProxy may listen for services.
	TCPPorts map[int]bool
}

// ungiven returns what is asked for in parts of a container that the operator has not given,
// sorted as its services and routes are. What manifests set instead of its labels is not the
// container's word.
func (b *Builder) ungiven(c *container, parts []v1.DeclaredService) []v1.Problem {
	if b.options.Given == nil {
		return nil
	}
	var problems []v1.Problem
	for i := range parts {
		asked := &parts[i].Service
		said := &v1.Declared{}
		if s := b.services[asked.Name]; s != nil && s.said != nil {
			said = s.said
		}
		own := func(field string) bool { return !said.Alone && !slices.Contains(said.Fields, field) }
		if own("tls_ca") {
			problems = append(problems, b.ungivenAuthority(c, asked)...)
		}
		if own("gateways") {
			problems = append(problems, b.ungivenWays(c, asked)...)
		}
		reached := *asked
		if !own("gateways") {
			reached.Gateways = said.Service.Gateways
		}
		if !slices.Contains(b.options.Gateways, v1.HAProxy) || !slices.Contains(b.wished(&reached), v1.HAProxyAlone) {
			continue // its connections don't come through HAProxy
		}
		if own("protocol") {
			problems = append(problems, b.ungivenTLS(c, asked)...)
		}
		routes := b.claim(c, &parts[i]).Service.Routes
		for n := range routes {
			problems = append(problems, b.ungivenPorts(&routes[n])...)
		}
	}
	return problems
}

// ungivenAuthority says that there is no authority of the name that labels say.
func (b *Builder) ungivenAuthority(c *container, asked *v1.Service) []v1.Problem {
	name := asked.TLSAuthority
	if name == "" || slices.Contains(b.options.Given.Authorities, name) {
		return nil
	}
	fix := "leave tls_ca out, or have the operator name it with --backend-ca " + name + "=FILE"
	if near := v1.Nearest(name, b.options.Given.Authorities); near != "" {
		fix = fmt.Sprintf("did you mean tls_ca=%s?", near)
	}
	return []v1.Problem{b.wrongLabel(c, asked, "tls_ca", fmt.Sprintf("the operator has given no authority with the name %q", name), fix)}
}

// ungivenWays says why a way in that labels name can't be gone. What names a gateway alone
// that there is not is no mistake: it is for somewhere else.
func (b *Builder) ungivenWays(c *container, asked *v1.Service) []v1.Problem {
	for _, way := range asked.Gateways {
		if why, fix := b.options.Chain.Usable(way, b.options.Gateways); why != "" {
			return []v1.Problem{b.wrongLabel(c, asked, "gateways", fmt.Sprintf("the way in is %s: %s", way, why), fix)}
		}
	}
	return nil
}

// ungivenTLS says that labels may not ask HAProxy to pass TLS on.
func (b *Builder) ungivenTLS(c *container, asked *v1.Service) []v1.Problem {
	if asked.Protocol != v1.TLSPassthrough || b.options.TLSPassthrough {
		return nil
	}
	denied := b.wrongLabel(c, asked, "protocol", deniedTLS, deniedTLSFix)
	denied.Reason = v1.PolicyDenied
	return []v1.Problem{denied}
}

// wrongLabel says what is wrong with the label that sets a field of a service.
func (b *Builder) wrongLabel(c *container, asked *v1.Service, field, message, fix string) v1.Problem {
	return v1.Problem{
		Reason: v1.InvalidLabel, Object: v1.Key{Kind: v1.KindInstance, Name: c.instance.Name},
		Origin:  v1.Origin{Container: c.instance.Name, Label: b.options.Grammar.LabelOf(subject(c.instance), asked.Name, field)},
		Message: message, Fix: fix,
	}
}

// ungivenPorts says for which ports of HAProxy the labels of a route may not ask.
func (b *Builder) ungivenPorts(r *v1.Route) []v1.Problem {
	var problems []v1.Problem
	for _, port := range r.Listen {
		if b.options.Given.TCPPorts[port] {
			continue
		}
		allowed := "none is"
		if len(b.options.Given.TCPPorts) > 0 {
			allowed = strings.Join(spans(slices.Sorted(maps.Keys(b.options.Given.TCPPorts))), ", ")
		}
		problems = append(problems, v1.Problem{
			Reason: v1.PolicyDenied, Object: v1.Key{Kind: v1.KindRoute, Name: r.Name}, Origin: r.Origin,
			Message: fmt.Sprintf("labels may not ask for port %d", port),
			Fix:     fmt.Sprintf("allow it by starting Lockstep with --haproxy-tcp-ports %d, or choose a port that is allowed (%s)", port, allowed),
		})
	}
	return problems
}

// spans writes sorted numbers as "5672" and "6000-6099".
func spans(numbers []int) []string {
	var out []string
	for i := 0; i < len(numbers); {
		end := i
		for end+1 < len(numbers) && numbers[end+1] == numbers[end]+1 {
			end++
		}
		text := fmt.Sprint(numbers[i])
		if end > i {
			text = fmt.Sprintf("%d-%d", numbers[i], numbers[end])
		}
		out, i = append(out, text), end+1
	}
	return out
}

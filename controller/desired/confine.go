package desired

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/snapshot"
)

// A Listener of HAProxy's may have hosts to itself. HAProxy keeps them there, whatever
// the routes; Kong can't leave a host out of a route that takes it among others. So on a Kong
// that takes requests itself no route has such a host, and one that would take it by a
// wildcard, or because it names no host, is not served there. TLS by such a name neither of
// them passes on.

// confine takes in which hosts Listeners have to themselves, and marks all services when
// that changed.
func (b *Builder) confine(delta snapshot.Delta, touched map[string]bool) {
	if delta.Shared == nil {
		return
	}
	next := v1.RestrictionsOf(delta.Shared.Listeners)
	if maps.Equal(next, b.restrictions) {
		return
	}
	b.restrictions = next
	for name := range b.services {
		touched[name] = true
	}
}

// confined says why a gateway may not serve a route for the sake of a Listener; its
// Reason is "" when it may.
func (b *Builder) confined(r role, gateway v1.Gateway, route *v1.Route) Verdict {
	for _, name := range route.SNIs {
		if host, listener := b.restrictions.Meeting(name); listener != "" {
			return Verdict{Gateway: gateway, Reason: v1.Conflict,
				Message: fmt.Sprintf("the Listener %s has %s to itself, so TLS by its name is not passed on", listener, host),
				Fix:     "change the names (snis), or take the host from the Listener"}
		}
	}
	if !r.confined || route.Stream() || len(b.allowed(r, route)) > 0 {
		return Verdict{}
	}
	host, listener := b.meeting(route)
	if listener == "" {
		return Verdict{}
	}
	return Verdict{Gateway: gateway, Reason: v1.NotExpressible,
		Message: fmt.Sprintf("it would answer for %s, which the Listener %s of HAProxy has to itself, and %s can't leave out a host", host, listener, v1.Kong),
		Fix:     fmt.Sprintf("serve it on HAProxy alone (%s=haproxy), give it other hosts, or take the host from the Listener", b.label("gateways"))}
}

// allowed returns the hosts of a route that a gateway may take: with a role that is
// confined, those of which a Listener has none to itself.
func (b *Builder) allowed(r role, route *v1.Route) []string {
	if !r.confined || len(b.restrictions) == 0 || route.Stream() {
		return route.Hosts
	}
	return slices.DeleteFunc(slices.Clone(route.Hosts), func(host string) bool {
		_, listener := b.restrictions.Meeting(host)
		return listener != ""
	})
}

// meeting returns a host that a Listener has to itself, and for which the route takes
// requests, and that Listener; "" when there is none.
func (b *Builder) meeting(route *v1.Route) (host, listener string) {
	if len(route.Hosts) == 0 {
		return b.restrictions.Meeting("")
	}
	for _, own := range route.Hosts {
		if host, listener = b.restrictions.Meeting(own); listener != "" {
			return host, listener
		}
	}
	return "", ""
}

// tellConfined adds to the verdict on a route that is served what Listeners make of its
// hosts.
func (b *Builder) tellConfined(v *Verdict, r role, route *v1.Route) {
	if len(b.restrictions) == 0 || route.Stream() {
		return
	}
	said := ""
	for _, own := range route.Hosts {
		switch host, listener := b.restrictions.Meeting(own); {
		case listener == "":
		case r.confined:
			v.Without = append(v.Without, own)
			said = fmt.Sprintf("served without %s, for the Listener %s of HAProxy has %s to itself", strings.Join(v.Without, ", "), listener, host)
		case v.Gateway == v1.HAProxy:
			said = fmt.Sprintf("%s is answered at the Listener %s alone", host, listener)
		}
	}
	if v.Message != "" && said != "" {
		v.Message += "; "
	}
	v.Message += said
}

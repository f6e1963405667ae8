package v1

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// Listener is an opening of HAProxy's that a manifest declares.
type Listener struct {
	// Name is the object's key.
	Name string `json:"name"`
	// Binds are the addresses that it listens on, at least one, in the manifest's order.
	Binds []Bind `json:"binds"`
	// AcceptProxy are sources whose connections begin with a PROXY header.
	AcceptProxy []netip.Prefix `json:"accept_proxy,omitempty"`
	// Hosts are the only ones that it takes requests for, sorted: plain, or "*.suffix";
	// empty: all.
	Hosts []string `json:"hosts,omitempty"`
	// Exclusive says that nothing else answers for its hosts.
	Exclusive bool   `json:"exclusive,omitempty"`
	Origin    Origin `json:"origin"`
}

// CheckListenerHost returns a host of a Listener in its normal form, or what is wrong
// with it and what to do. One "*" may stand for its leftmost parts.
func CheckListenerHost(host string) (normal, message, fix string) {
	normal, wrong := checkHost(host)
	if wrong == nil && strings.HasSuffix(normal, "*") {
		wrong = &fault{message: fmt.Sprintf("the host %s ends with a wildcard, which a Listener does not take", shown(host)), fix: "write *.example.com, or the whole host"}
	}
	if wrong == nil && strings.HasPrefix(normal, "*.") && strings.Count(normal, ".") > maxStarParts {
		wrong = &fault{message: fmt.Sprintf("the host %s has more than %d parts after the star", shown(host), maxStarParts), fix: "write the hosts one by one"}
	}
	if wrong != nil {
		return "", wrong.message, wrong.fix
	}
	return normal, "", ""
}

// maxStarParts is how many parts after a star HAProxy looks up.
const maxStarParts = 6

// Covers reports whether every request for the host other is one for host; both may
// be "*.suffix".
func Covers(host, other string) bool {
	suffix, wild := strings.CutPrefix(host, "*.")
	return host == other || wild && strings.HasSuffix(other, "."+suffix)
}

// meets reports whether some request is for both hosts; other may be "prefix.*" too.
func meets(host, other string) bool {
	prefix, open := strings.CutSuffix(other, ".*")
	if !open {
		return Covers(host, other) || Covers(other, host)
	}
	suffix, wild := strings.CutPrefix(host, "*.")
	return wild || strings.HasPrefix(suffix, prefix+".")
}

// Restrictions say which Listener has hosts to itself, by host.
type Restrictions map[string]string

// RestrictionsOf returns those of all Listeners.
func RestrictionsOf(listeners []Listener) Restrictions {
	r := Restrictions{}
	for i := range listeners {
		if !listeners[i].Exclusive {
			continue
		}
		for _, host := range listeners[i].Hosts {
			r[host] = listeners[i].Name
		}
	}
	return r
}

// Meeting returns the first of the hosts that a Listener has to itself for which
// requests may be that are for this host as well, and that Listener; "" when there is
// none. Host "" stands for any.
func (r Restrictions) Meeting(host string) (restricted, listener string) {
	for _, restricted := range slices.Sorted(maps.Keys(r)) {
		if host == "" || meets(restricted, host) {
			return restricted, r[restricted]
		}
	}
	return "", ""
}

// Holder returns the Listener that alone answers requests for a host; "" when there is
// none. The most specific host decides.
func (r Restrictions) Holder(host string) string {
	if holder, exact := r[host]; exact {
		return holder
	}
	holder, length := "", 0
	for restricted, listener := range r {
		if Covers(restricted, host) && len(restricted) > length {
			holder, length = listener, len(restricted)
		}
	}
	return holder
}

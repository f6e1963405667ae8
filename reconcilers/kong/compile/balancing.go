package compile

import (
	gokong "github.com/kong/go-kong/kong"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// upstream is the Kong upstream of a service, or of none; false when Kong has no
// such algorithm. What decides who gets a request is written out, also where it
// is Kong's default.
func upstream(name string, s *v1.Service, tags []string) (checkedUpstream, bool) {
	u := checkedUpstream{
		Upstream:     gokong.Upstream{Name: &name, Algorithm: new("consistent-hashing"), HashOn: new("none"), Tags: gokong.StringSlice(tags...)},
		Healthchecks: healthchecks(s),
	}
	if s.Sticky != "" { // the nearest that Kong has: it sets the cookie, and hashes what it holds
		u.HashOn, u.HashOnCookie = new("cookie"), &s.Sticky
		return u, true
	}
	switch word, what := s.Hash(); word {
	case "":
		u.Algorithm = new("round-robin")
	case v1.LeastConn:
		u.Algorithm = new("least-connections")
	case v1.BalanceSource:
		u.HashOn = new("ip")
	case v1.BalanceURI:
		u.HashOn = new("path")
	case v1.BalanceHeader:
		u.HashOn, u.HashOnHeader = new("header"), &what
	case v1.BalanceCookie:
		u.HashOn, u.HashOnCookie = new("cookie"), &what
	default:
		return u, false
	}
	return u, true
}

// checkedUpstream is go-kong's, with health checks whose times may have
// fractions of a second, as Kong takes them and go-kong does not.
type checkedUpstream struct {
	gokong.Upstream
	Healthchecks map[string]any `json:"healthchecks,omitempty"`
}

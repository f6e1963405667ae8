package kong

import (
	"cmp"
	"time"

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

// healthchecks returns what Kong is to check by itself; nil for nothing. Kong
// leaves a status out of account that is neither healthy nor unhealthy, so each
// is one of the two.
func healthchecks(s *v1.Service) map[string]any {
	h := s.HealthCheck
	if h.Check == "" {
		return nil
	}
	interval, fall := seconds(h.CheckInterval, 2*time.Second), cmp.Or(h.CheckFall, 3)
	healthy := map[string]any{"interval": interval, "successes": cmp.Or(h.CheckRise, 2)}
	unhealthy := map[string]any{"interval": interval, "tcp_failures": fall, "timeouts": fall, "http_failures": fall}
	active := map[string]any{"type": h.Check, "timeout": seconds(h.CheckTimeout, time.Second), "healthy": healthy, "unhealthy": unhealthy}
	if h.Check == v1.CheckHTTP {
		active["http_path"] = cmp.Or(h.CheckPath, "/")
		healthy["http_statuses"], unhealthy["http_statuses"] = statuses(h.GoodStatuses())
	}
	if s.Protocol == v1.HTTPS && h.Check == v1.CheckHTTP {
		// A check carries nothing that a stranger may not have, and Kong knows no name to
		// verify a target's certificate for but its address. Requests are verified.
		active["type"], active["https_verify_certificate"] = "https", false
	}
	return map[string]any{"active": active}
}

// statuses divides the statuses of HTTP into those within ranges and the others.
func statuses(ranges []string) (within, others []int) {
	for status := 100; status < 600; status++ {
		good := false
		for _, text := range ranges {
			from, to, ok := v1.StatusRange(text)
			good = good || ok && from <= status && status <= to
		}
		if good {
			within = append(within, status)
		} else {
			others = append(others, status)
		}
	}
	return within, others
}

// maxSeconds is the longest time that Kong takes for a health check.
const maxSeconds = 65_535

func seconds(d, unset time.Duration) float64 {
	return min(cmp.Or(d, unset).Seconds(), maxSeconds)
}

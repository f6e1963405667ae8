package compile

import (
	"cmp"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// healthchecks returns what Kong is to check by itself; nil for nothing. Kong
// leaves a status out of account that is neither healthy nor unhealthy, so each
// is one of the two.
func healthchecks(s *v1.Service) map[string]any {
	h := s.HealthCheck
	if h.Check == "" {
		return nil
	}
	interval, fall := seconds(h.CheckInterval, 2*time.Second), min(cmp.Or(h.CheckFall, 3), mostCount)
	healthy := map[string]any{"interval": interval, "successes": min(cmp.Or(h.CheckRise, 2), mostCount)}
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
	checks := map[string]any{"active": active}
	if h.CheckPassive > 0 {
		checks["passive"] = passive(s)
	}
	return checks
}

// mostCount is the most that Kong's health checks count to.
const mostCount = 254

// passive returns what requests count for; the answers that are good or bad are
// those of HAProxy. Kong forgets bad ones for the sake of a good one only where
// enough good ones would bring a target back; so that takes the most there is, and
// one that is out gets no requests.
func passive(s *v1.Service) map[string]any {
	failures, kind := s.CheckPassive, v1.CheckHTTP
	if s.Protocol.Stream() {
		kind = v1.CheckTCP
	}
	good, bad := statuses([]string{"100-499", "501", "505"})
	return map[string]any{
		"type":      kind,
		"healthy":   map[string]any{"http_statuses": good, "successes": mostCount},
		"unhealthy": map[string]any{"http_statuses": bad, "http_failures": failures, "tcp_failures": failures, "timeouts": failures},
	}
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

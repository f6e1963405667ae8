package kong

import (
	"slices"
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// TestChecksThatKongRuns: of requests over HTTP/1.1, of connections by connecting; what
// it would never ask is asked for as well only where it must not be missing.
func TestChecksThatKongRuns(t *testing.T) {
	for _, c := range []struct {
		protocol    v1.Protocol
		check, kind string // kind is that of the passive check, "" for no check at all
	}{
		{v1.HTTP, v1.CheckHTTP, "http"},
		{v1.HTTPS, v1.CheckHTTP, "http"},
		{v1.TCP, v1.CheckTCP, "tcp"},
		{v1.TLSPassthrough, v1.CheckTCP, "tcp"},
		{v1.HTTP, v1.CheckTCP, ""},
		{v1.HTTPS, v1.CheckTCP, ""},
		{v1.GRPC, v1.CheckHTTP, ""},
		{v1.GRPC, v1.CheckTCP, ""},
		{v1.TLSPassthrough, v1.CheckHTTP, ""},
		{v1.TCP, "", ""},
	} {
		s := &v1.Service{Protocol: c.protocol, HealthCheck: v1.HealthCheck{Check: c.check, CheckPassive: 5}}
		checks := healthchecks(s)
		passive, _ := checks["passive"].(map[string]any)
		why, fix := unchecked(s)
		if c.kind == "" {
			if checks != nil || why == "" || fix == "" {
				t.Errorf("%s of %s: %v, %q, %q", c.check, c.protocol, checks, why, fix)
			}
		} else if passive["type"] != c.kind || why != "" {
			t.Errorf("%s of %s: %v, %q", c.check, c.protocol, passive, why)
		}
		s.Optional = []string{"check", "check_passive"}
		if why, _ := unchecked(s); why != "" {
			t.Errorf("%s of %s is refused though it may be missing: %s", c.check, c.protocol, why)
		}
	}
}

// TestAnswersThatCount are those that count for HAProxy's `observe layer7`.
func TestAnswersThatCount(t *testing.T) {
	checks := passive(&v1.Service{HealthCheck: v1.HealthCheck{CheckPassive: 1}})
	good, _ := checks["healthy"].(map[string]any)["http_statuses"].([]int)
	bad, _ := checks["unhealthy"].(map[string]any)["http_statuses"].([]int)
	for status := 100; status < 600; status++ {
		well := status < 500 || status == 501 || status == 505
		if slices.Contains(good, status) != well || slices.Contains(bad, status) == well {
			t.Errorf("%d is taken for good: %t", status, !well)
		}
	}
}

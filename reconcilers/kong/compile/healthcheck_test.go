package compile

import (
	"slices"
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// TestPassiveOfConnections: a target is judged by what is passed on to it.
func TestPassiveOfConnections(t *testing.T) {
	for protocol, want := range map[v1.Protocol]string{v1.HTTP: "http", v1.HTTPS: "http", v1.TCP: "tcp", v1.TLSPassthrough: "tcp"} {
		if got := passive(&v1.Service{Protocol: protocol})["type"]; got != want {
			t.Errorf("%s is judged by %v", protocol, got)
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

// TestCheckOfSecuredTargets: Kong asks containers over TLS as well whether they are well.
func TestCheckOfSecuredTargets(t *testing.T) {
	s := &v1.Service{Name: "web", Protocol: v1.HTTPS, HealthCheck: v1.HealthCheck{Check: v1.CheckHTTP}}
	made, ok := upstream("web", s, nil)
	active, isMap := made.Healthchecks["active"].(map[string]any)
	if !ok || !isMap || active["type"] != "https" || active["https_verify_certificate"] != false {
		t.Errorf("the check is %v", made.Healthchecks)
	}
}

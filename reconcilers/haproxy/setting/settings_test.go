package setting

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// TestReadBack: what a service asks for is good, and is read back from its comment as it was.
func TestReadBack(t *testing.T) {
	stream := v1.Service{Name: "mq", Protocol: v1.TCP}
	odd := v1.Service{
		Name: "shop", ConnectTimeout: time.Nanosecond, ReadTimeout: 90 * time.Minute, ProxyProtocol: "v2",
		Balancing: v1.Balancing{Balance: "header:x-user", Sticky: "SRV", SlowStart: time.Second}, HealthCheck: v1.HealthCheck{Check: v1.CheckHTTP, CheckPath: "/up?a=1", CheckPassive: 3},
	}
	for name, want := range map[string]Settings{"default": Of(&v1.Service{Name: "web"}, false), "address": Of(&v1.Service{Name: "web"}, true), "stream": Of(&stream, false), "odd": Of(&odd, false)} {
		if err := want.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		got := Default
		got.Parse(want.Comment())
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: -want +got:\n%s", name, d)
		}
	}
	if Of(&v1.Service{Name: "web"}, false) != Default || Default.Comment() != "" || Of(&stream, false) != DefaultStream {
		t.Error("a service that asks for nothing has other settings than the prepared backends")
	}
	if got := Of(&odd, false); got.Connect != 1 || !slices.Contains(got.Lines(), "balance hdr(x-user)") || !strings.Contains(got.ServerOptions(), " send-proxy-v2") {
		t.Errorf("%q, %q", got.Lines(), got.ServerOptions())
	}
}

// TestTampered: what somebody wrote into a comment of ours counts only when it could be asked for.
func TestTampered(t *testing.T) {
	for _, text := range []string{
		`{"connect_timeout":1,"tunnel_timeout":1,"retries":1,"balance":"first\n  server evil 10.0.0.1:80"}`,
		`{"connect_timeout":1,"tunnel_timeout":1,"retries":1,"sticky":"A b","key":"k"}`,
		`{"connect_timeout":-1,"tunnel_timeout":1,"retries":1}`,
		`{"connect_timeout":1,"tunnel_timeout":1,"retries":1,"check":{"kind":"http","path":"/ x"}}`,
		`{"connect_timeout":1,"tunnel_timeout":1,"retries":1,"upstream":{"protocol":"https","ca":"/etc/passwd"}}`,
		`{`,
	} {
		got := Default
		if got.Parse(Mark + text); got != Default {
			t.Errorf("%s is taken: %+v", text, got)
		}
	}
	got := Default
	if got.Parse(Mark + `{"connect_timeout":7,"tunnel_timeout":1,"retries":1}`); got.Connect != 7 {
		t.Errorf("what is good is not taken: %+v", got)
	}
}

package cmd

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/lockstep/lockstep/reconcilers"
)

// bound returns settings bound to flags, after parsing args.
func bound(t *testing.T, args ...string) (*settings, *pflag.FlagSet) {
	t.Helper()
	var s settings
	flags := pflag.NewFlagSet("run", pflag.ContinueOnError)
	s.bindDaemon(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return &s, flags
}

func TestFlagsWinOverVariables(t *testing.T) {
	s, flags := bound(t, "--owner", "flag")
	variables := map[string]string{
		"LOCKSTEP_OWNER":        "variable",
		"LOCKSTEP_HAPROXY_BIND": ":80,:8080",
		"LOCKSTEP_RESYNC":       "3m",
		"LOCKSTEP_EXPOSE_ALL":   "true",
	}
	lookup := func(name string) (string, bool) { value, ok := variables[name]; return value, ok }
	if err := fromEnvironment(flags, lookup); err != nil {
		t.Fatal(err)
	}
	if s.owner != "flag" || s.resync.Minutes() != 3 || !s.exposeAll {
		t.Errorf("owner %q, resync %s, expose all %t", s.owner, s.resync, s.exposeAll)
	}
	if diff := cmp.Diff([]string{":80", ":8080"}, s.haproxyBinds); diff != "" {
		t.Errorf("binds (-want +got):\n%s", diff)
	}
	variables["LOCKSTEP_TAKEOVER"] = "perhaps"
	if err := fromEnvironment(flags, lookup); err == nil || !strings.Contains(err.Error(), "LOCKSTEP_TAKEOVER") {
		t.Errorf("a bad variable gave %v, want an error that names it", err)
	}
}

func TestCheckRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no gateway":      {[]string{"--haproxy", "off"}, "--kong-admin-url"},
		"unknown mode":    {[]string{"--haproxy", "maybe"}, "managed, external or off"},
		"publish address": {[]string{"--publish-address", "here"}, "no IP address"},
		"owner":           {[]string{"--owner", "a b"}, "does not fit"},
		"empty prefix":    {[]string{"--label-prefix", ""}, "lockstep."},
		"odd prefix":      {[]string{"--label-prefix", "lock step"}, "can't begin a label"},
		"dotted prefix":   {[]string{"--label-prefix", ".mine"}, "can't begin a label"},
		"short resync":    {[]string{"--resync", "9s"}, "10s or more"},
		"tcp ports":       {[]string{"--haproxy-tcp-ports", "19200,70000"}, "--haproxy-tcp-ports: ports \"70000\" are none"},
		"proxy alone":     {[]string{"--kong-proxy-url", "http://127.0.0.1:8000"}, "--kong-proxy-url needs --kong-admin-url"},
		"proxy path":      {[]string{"--kong-admin-url", "http://127.0.0.1:8001", "--kong-proxy-url", "http://127.0.0.1:8000/shop"}, "--kong-proxy-url \"http://127.0.0.1:8000/shop\" is not an address"},
		"bind":            {[]string{"--haproxy-bind", "nonsense"}, "--haproxy-bind: bind \"nonsense\""},
		"listen":          {[]string{"--listen", "nonsense"}, "--listen: \"nonsense\" is no address"},
		"via ports":       {[]string{"--haproxy-via-ports", "9-1"}, "--haproxy-via-ports \"9-1\" is no range"},
		"open ports":      {[]string{"--haproxy-via-address", "10.0.0.1"}, "have Kong prove itself there with --haproxy-via-tls"},
		"TLS to nowhere":  {[]string{"--haproxy-via-tls"}, "say where Kong reaches HAProxy with --haproxy-via-address"},
		"trusted name":    {[]string{"--trusted-proxies", "proxy.test"}, "--trusted-proxies \"proxy.test\" is neither"},
		"accepted zone":   {[]string{"--haproxy-accept-proxy", "10.0.0.0/8,fe80::1%eth0"}, "--haproxy-accept-proxy \"fe80::1%eth0\" is neither"},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := bound(t, c.args...)
			if err := s.check(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

func TestCheckFillsIn(t *testing.T) {
	s, _ := bound(t, "--state-dir", "/s", "--label-prefix", "mine")
	if err := s.check(); err != nil {
		t.Fatal(err)
	}
	if s.labelPrefix != "mine." || s.haproxyDir != "/s/haproxy" || s.controlSocket != "/s/control.sock" {
		t.Errorf("prefix %q, dir %q, control socket %q", s.labelPrefix, s.haproxyDir, s.controlSocket)
	}
}

// TestProofOpensPorts: where Kong proves itself, nobody need be named.
func TestProofOpensPorts(t *testing.T) {
	s, _ := bound(t, "--haproxy-via-address", "haproxy.internal", "--haproxy-via-tls")
	if err := s.check(); err != nil || !s.chain.chain.TLS {
		t.Errorf("%v, %+v", err, s.chain.chain)
	}
}

func TestRanges(t *testing.T) {
	got, err := ranges("--x", []string{"10.1.2.3/8", "192.0.2.7", "2001:db8::1"})
	if want := "[10.0.0.0/8 192.0.2.7/32 2001:db8::1/128]"; err != nil || fmt.Sprint(got) != want {
		t.Errorf("got %v, %v, want %s", got, err, want)
	}
}

func TestParseGuard(t *testing.T) {
	got, err := parseGuard("20%,3")
	if diff := cmp.Diff(reconcilers.GuardOptions{Share: 0.2, Count: 3}, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if off, err := parseGuard("off"); err != nil || off.Share != 1 {
		t.Errorf("off: %+v, %v", off, err)
	}
	for _, text := range []string{"", "50", "50%", "0%,5", "101%,5", "50%,0", "x%,5", "50%,x"} {
		if _, err := parseGuard(text); err == nil || !strings.Contains(err.Error(), "50%,5") {
			t.Errorf("%q gave %v, want an error that shows how to write it", text, err)
		}
	}
}

func TestDialable(t *testing.T) {
	for listen, want := range map[string]string{
		":9470":          "127.0.0.1:9470",
		"0.0.0.0:9470":   "127.0.0.1:9470",
		"[::]:9470":      "127.0.0.1:9470",
		"10.0.0.1:9470":  "10.0.0.1:9470",
		"localhost:9470": "localhost:9470",
	} {
		if got := dialable(listen); got != want {
			t.Errorf("dialable(%q) = %q, want %q", listen, got, want)
		}
	}
}

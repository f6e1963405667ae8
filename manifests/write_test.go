package manifests

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// TestWritten: what labels ask for, written as a manifest and read again, is the same.
func TestWritten(t *testing.T) {
	cases := map[string]map[string]string{
		"nothing": {},
		"several routes": {
			"routes.a.hosts": "a.test,b.test", "routes.a.headers.X-Beta": "yes,1", "routes.b-c.paths": `["~/x{1,2}","/y:z"]`, "routes.b-c.priority": "7",
			"routes.b-c.methods": "GET", "grace": "1h30m", "balance": "header:X-User",
		},
		"plugins": {
			"hosts": "a.test", "plugins.key-auth": "true", "plugins.rate-limiting.minute": "60", "plugins.rate-limiting.header_name": "0123",
			"plugins.cors?.origins": "https://a.test,'b: c'", "plugins.acl.enabled": "false", "plugins.acl.config.allow": `["x","y"]`,
			"plugins.response-transformer.instance_name": "first", "plugins.response-transformer.add.headers": "X-A: b # c",
		},
		"plugins of a route": {"routes.default.hosts": "a.test", "routes.default.plugins.key-auth.key_names": "true"},
		"optional":           {"hosts": "a.test", "hsts?": "24h", "protocols": "https", "slowstart?": "10s"},
		"rollout":            {"hosts": "a.test", "rollout.v2": "10%", "rollout.v3": "0%", "rollout_header": "X-Version"},
		"a stream":           {"protocol": "tcp", "listen": "5672,5673", "proxy_protocol": "v2", "gateways": "haproxy"},
		"checks":             {"hosts": "*.a.test", "check": "http", "check_status": "200,300-399", "check_path": "/~x?y=no"},
	}
	for _, f := range v1.Fields() { // and every field alone
		if label, value, _ := strings.Cut(f.Example, "="); f.Scope == v1.OfService || f.Scope == v1.OfRoute {
			cases[f.Name] = map[string]string{label: value}
		}
	}
	grammar := v1.Grammar{Prefix: "lockstep.", AllowPlugins: []string{"response-transformer"}}
	read := 0
	for name, said := range cases {
		t.Run(name, func(t *testing.T) {
			declared, problems := beside(grammar, said)
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			read++
			want := declared.Services[0].Service
			text, err := Write([]*v1.Service{&want})
			if err != nil {
				t.Fatal(err)
			}
			file, problems := Parse("x.yaml", text)
			if len(problems) > 0 {
				t.Fatalf("%v of:\n%s", problems, text)
			}
			if diff := cmp.Diff(want, file.Objects[0].Service.Service, cmpopts.IgnoreTypes(v1.Origin{}), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("read again it is another (-label +manifest):\n%s\n%s", diff, text)
			}
		})
	}
	if read != len(cases) {
		t.Errorf("%d services of %d were compared", read, len(cases))
	}
}

// beside decodes labels, with those beside them that some fields are of no use without.
func beside(grammar v1.Grammar, said map[string]string) (declared v1.Declaration, problems []v1.Problem) {
	for _, others := range []map[string]string{
		{}, {"hosts": "a.test"}, {"check": "http"}, {"protocol": "https"}, {"hosts": "a.test", "protocols": "https"}, {"hosts": "a.test", "rollout.v2": "10%"},
		{"protocol": "tcp"}, {"protocol": "tcp", "listen": "5672"}, {"protocol": "tls_passthrough"},
		{"protocol": "tcp", "check": "tcp"}, {"protocol": "tcp", "check": "tcp", "check_expect": "x"},
	} {
		labels := map[string]string{"lockstep.enable": "true", "lockstep.service": "shop.web"}
		for _, part := range []map[string]string{others, said} {
			for key, value := range part {
				labels["lockstep."+key] = value
			}
		}
		if declared, problems = grammar.Decode(v1.Subject{Container: "c", Labels: labels}); len(problems) == 0 {
			break
		}
	}
	return declared, problems
}

// TestWrittenIsRead by people: short where it may be, in the order of the reference page.
func TestWrittenIsRead(t *testing.T) {
	declared, problems := v1.Grammar{Prefix: "lockstep."}.Decode(v1.Subject{Container: "c", Labels: map[string]string{
		"lockstep.enable": "true", "lockstep.service": "shop.web", "lockstep.hosts": "shop.test,*.shop.test", "lockstep.read_timeout": "90s",
		"lockstep.plugins.rate-limiting.config.minute": "60", "lockstep.plugins.key-auth": "true", "lockstep.hsts?": "24h", "lockstep.protocols": "https",
	}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	text, err := Write([]*v1.Service{&declared.Services[0].Service})
	if err != nil {
		t.Fatal(err)
	}
	want := `apiVersion: lockstep.dev/v1
kind: Service
metadata:
  name: shop.web
spec:
  read_timeout: 1m30s
  hosts: ['*.shop.test', shop.test]
  protocols: [https]
  hsts?: 24h
  plugins:
    key-auth: true
    rate-limiting:
      config:
        minute: 60
`
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

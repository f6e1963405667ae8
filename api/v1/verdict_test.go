package v1

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// bundled are the plugins of Kong 3.9, for where its own answers are not at hand.
const bundled = "acl acme ai-prompt-decorator ai-prompt-guard ai-prompt-template ai-proxy ai-request-transformer " +
	"ai-response-transformer aws-lambda azure-functions basic-auth bot-detection correlation-id cors datadog file-log " +
	"grpc-gateway grpc-web hmac-auth http-log ip-restriction jwt key-auth ldap-auth loggly oauth2 opentelemetry " +
	"post-function pre-function prometheus proxy-cache rate-limiting redirect request-size-limiting request-termination " +
	"request-transformer response-ratelimiting response-transformer session standard-webhooks statsd syslog tcp-log udp-log zipkin"

// TestEveryPluginHasAVerdict: a plugin that comes with a newer Kong is decided
// about before anybody relies on it.
func TestEveryPluginHasAVerdict(t *testing.T) {
	names := strings.Fields(bundled)
	dir := os.Getenv("KONG_CONTRACT_DIR")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "kong-contract")
	}
	text, err := os.ReadFile(filepath.Join(dir, "schemas.json"))
	if err == nil {
		var contract struct{ Plugins map[string]json.RawMessage }
		if err := json.Unmarshal(text, &contract); err != nil {
			t.Fatal(err)
		}
		names = append(names, slices.Sorted(maps.Keys(contract.Plugins))...)
	} else if !errors.Is(err, fs.ErrNotExist) || os.Getenv("KONG_CONTRACT_DIR") != "" {
		t.Fatal(err)
	}
	decided := map[string]bool{}
	for _, v := range PluginVerdicts() {
		if decided[v.Plugin] {
			t.Errorf("two verdicts on %s", v.Plugin)
		}
		decided[v.Plugin] = true
	}
	for _, name := range names {
		if !decided[name] {
			t.Errorf("there is no verdict on the plugin %s", name)
		}
	}
}

// TestVerdictsHold asks for each plugin by label, without and with the flag.
func TestVerdictsHold(t *testing.T) {
	for _, v := range append(PluginVerdicts(), PluginVerdict{Plugin: "made-at-home", Refused: "nobody knows it"}) {
		for field := range maps.Keys(v.Except) {
			if got := reasons(Grammar{Prefix: "lockstep."}, v.Plugin+"."+field); !slices.Equal(got, []Reason{PolicyDenied}) {
				t.Errorf("%s of %s is answered with %v", field, v.Plugin, got)
			}
			if got := reasons(Grammar{Prefix: "lockstep.", AllowPlugins: []string{v.Plugin}}, v.Plugin+"."+field); len(got) > 0 {
				t.Errorf("%s of %s is answered with %v although it is allowed", field, v.Plugin, got)
			}
		}
		var want []Reason
		if v.Refused != "" {
			want = []Reason{PolicyDenied}
		}
		if got := reasons(Grammar{Prefix: "lockstep."}, v.Plugin); !slices.Equal(got, want) {
			t.Errorf("%s is answered with %v, want %v", v.Plugin, got, want)
		}
		if got := reasons(Grammar{Prefix: "lockstep.", AllowPlugins: []string{v.Plugin}}, v.Plugin); len(got) > 0 {
			t.Errorf("%s is answered with %v although it is allowed", v.Plugin, got)
		}
	}
}

// reasons are those for which the label plugins.KEY=true is refused.
func reasons(g Grammar, key string) []Reason {
	_, problems := g.Decode(Subject{Container: "web-1", Labels: map[string]string{
		"lockstep.enable": "true", "lockstep.plugins." + key: "true",
	}})
	var out []Reason
	for _, p := range problems {
		out = append(out, p.Reason)
	}
	return out
}

// TestPluginValuesAreNotRepeated: whatever is wrong with a value, it may be a secret.
func TestPluginValuesAreNotRepeated(t *testing.T) {
	const secret = "planted-secret"
	for _, value := range []string{secret + "\x00", "{vault://env/" + secret + "}", "${" + secret + "}", "$(" + secret + ")", strings.Repeat(secret, 1000)} {
		for _, key := range []string{"session.secret", "session.enabled", "session", "session.instance_name"} {
			_, problems := Grammar{Prefix: "lockstep."}.Decode(Subject{Container: "web-1", Labels: map[string]string{
				"lockstep.enable": "true", "lockstep.plugins." + key: value,
			}})
			if len(problems) == 0 {
				t.Errorf("%s=%.40q is taken", key, value)
			}
			for _, p := range problems {
				if strings.Contains(p.Error(), secret) {
					t.Errorf("%s=%.40q: the value is repeated: %s", key, value, p.Error())
				}
			}
		}
	}
}

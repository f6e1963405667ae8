package v1

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// PluginVerdict says whether a stranger may ask for one of Kong's plugins by
// label. What has no verdict is refused, until a flag allows it.
type PluginVerdict struct {
	Plugin string
	// Refused says why labels may not ask for it; "" when they may.
	Refused string
	// Except are fields of its configuration that labels may not set, and why.
	Except map[string]string
}

// Why a plugin, or a field of it, is refused.
const (
	runsCode  = "it runs code"
	callsOut  = "it makes Kong call a host that the label names"
	tellsOut  = "it sends what it sees of requests to a host that the label names"
	readsFile = "it makes Kong read a file"
)

// pluginVerdicts are the plugins that come with Kong, as of 3.9. Never changed.
var pluginVerdicts = []PluginVerdict{
	{Plugin: "acl"},
	{Plugin: "acme", Refused: "it orders certificates in Kong's name and stores them"},
	{Plugin: "ai-prompt-decorator"},
	{Plugin: "ai-prompt-guard"},
	{Plugin: "ai-prompt-template"},
	{Plugin: "ai-proxy", Refused: callsOut},
	{Plugin: "ai-request-transformer", Refused: callsOut},
	{Plugin: "ai-response-transformer", Refused: callsOut},
	{Plugin: "aws-lambda", Refused: "it calls functions, with the rights of the machine that Kong is on"},
	{Plugin: "azure-functions", Refused: callsOut},
	{Plugin: "basic-auth"},
	{Plugin: "bot-detection"},
	{Plugin: "correlation-id"},
	{Plugin: "cors"},
	{Plugin: "datadog", Refused: tellsOut},
	{Plugin: "file-log", Refused: "it writes to a file that the label names"},
	{Plugin: "grpc-gateway", Refused: readsFile},
	{Plugin: "grpc-web", Except: map[string]string{"proto": readsFile}},
	{Plugin: "hmac-auth"},
	{Plugin: "http-log", Refused: tellsOut},
	{Plugin: "ip-restriction"},
	{Plugin: "jwt"},
	{Plugin: "key-auth"},
	{Plugin: "ldap-auth", Refused: callsOut + ", with the credentials of its users"},
	{Plugin: "loggly", Refused: tellsOut},
	{Plugin: "oauth2"},
	{Plugin: "opentelemetry", Refused: tellsOut},
	{Plugin: "post-function", Refused: runsCode},
	{Plugin: "pre-function", Refused: runsCode},
	{Plugin: "prometheus"},
	{Plugin: "proxy-cache", Except: map[string]string{"memory": "it may name memory that belongs to Kong itself"}},
	{Plugin: "rate-limiting", Except: map[string]string{"redis": callsOut}},
	{Plugin: "redirect"},
	{Plugin: "request-size-limiting"},
	{Plugin: "request-termination"},
	{Plugin: "request-transformer"}, // its $(…) is refused with the values
	{Plugin: "response-ratelimiting", Except: map[string]string{"redis": callsOut}},
	{Plugin: "response-transformer"},
	{Plugin: "session"},
	{Plugin: "standard-webhooks"},
	{Plugin: "statsd", Refused: tellsOut},
	{Plugin: "syslog", Refused: "it writes to the log of the machine that Kong is on"},
	{Plugin: "tcp-log", Refused: tellsOut},
	{Plugin: "udp-log", Refused: tellsOut},
	{Plugin: "zipkin", Refused: tellsOut},
}

// PluginVerdicts returns the verdict on each plugin that comes with Kong, by name.
func PluginVerdicts() []PluginVerdict { return slices.Clone(pluginVerdicts) }

// permits says why a label may not ask for a plugin, or for a field of it.
func (g Grammar) permits(w *wish) *fault {
	if g.manifest() || slices.Contains(g.AllowPlugins, w.plugin) {
		return nil
	}
	allow := "start Lockstep with --allow-label-plugins " + w.plugin
	i := slices.IndexFunc(pluginVerdicts, func(v PluginVerdict) bool { return v.Plugin == w.plugin })
	if i < 0 {
		wrong := &fault{
			reason:  PolicyDenied,
			message: fmt.Sprintf("the plugin %s does not come with Kong, and what it does is not known", shown(w.plugin)),
			fix:     "if it is meant, " + allow,
		}
		if near := closest(w.plugin, g.plugins()); near != "" {
			wrong.fix = fmt.Sprintf("did you mean %s? If not, %s", near, allow)
		}
		return wrong
	}
	v := &pluginVerdicts[i]
	if v.Refused != "" {
		return &fault{
			reason:  PolicyDenied,
			message: fmt.Sprintf("labels may not ask for the plugin %s: %s", v.Plugin, v.Refused),
			fix:     "remove the label, or " + allow,
		}
	}
	for _, field := range slices.Sorted(maps.Keys(v.Except)) {
		if path := wordConfig + "." + field; w.entry == path || strings.HasPrefix(w.entry, path+".") || strings.HasPrefix(w.entry, path+"_") {
			return &fault{
				reason:  PolicyDenied,
				message: fmt.Sprintf("labels may not set %s of the plugin %s: %s", field, v.Plugin, v.Except[field]),
				fix:     "remove the label, or " + allow,
			}
		}
	}
	return nil
}

// Refuses says why labels may not ask for a plugin as it is, which they once could; nil
// when they may.
func (g Grammar) Refuses(p *Plugin) *Problem {
	wishes := []wish{{plugin: p.Name, entry: wordEnabled, value: "true"}}
	for _, setting := range p.Settings {
		wishes = append(wishes, wish{plugin: p.Name, entry: wordConfig + "." + setting.Path, value: setting.Value})
	}
	for i := range wishes {
		wrong := g.permits(&wishes[i])
		if wrong == nil {
			wrong = g.pluginValue(&wishes[i], wishes[i].value)
		}
		if wrong != nil {
			return &Problem{Reason: PolicyDenied, Origin: p.Origin, Message: wrong.message, Fix: wrong.fix}
		}
	}
	return nil
}

// plugins returns the names that a label may say.
func (g Grammar) plugins() []string {
	names := slices.Clone(g.AllowPlugins)
	for _, v := range pluginVerdicts {
		names = append(names, v.Plugin)
	}
	return names
}

// Nearest returns the candidate that a misspelt word was probably meant to be, or "".
func Nearest(word string, candidates []string) string {
	return closest(word, slices.Clone(candidates))
}

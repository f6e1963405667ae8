package v1

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Plugin is one of Kong's plugins on a service or a route, as labels ask for
// it: names letter for letter, values as text. What type a value has is known
// to Kong's schema alone, so the reconciler of Kong converts it.
type Plugin struct {
	Name string `json:"name"` // Kong's own name of it
	// Enabled is false for a plugin that is there and does nothing.
	Enabled bool `json:"enabled"`
	// InstanceName tells plugins of one name apart in Kong; "" for none.
	InstanceName string `json:"instance_name,omitempty"`
	// Optional plugins may be left out by a gateway that can't express them.
	Optional bool `json:"optional,omitempty"`
	// Settings are sorted by path.
	Settings []Setting `json:"settings,omitempty"`
	// Origin is the label that first asked for the plugin.
	Origin Origin `json:"origin"`
}

// Setting is one value of a plugin's configuration.
type Setting struct {
	// Path is that below the plugin's config: "redis.host".
	Path string `json:"path"`
	// Value may be a secret: Secret says so, or Kong's schema. It is shown nowhere.
	Value  string `json:"value"`
	Secret bool   `json:"secret,omitempty"`
	Origin Origin `json:"origin"` // where it was asked for
}

// Shown returns the route as it may be shown: without the values of its plugins.
func (r Route) Shown() Route {
	r.Plugins = slices.Clone(r.Plugins)
	for i := range r.Plugins {
		p := &r.Plugins[i]
		p.Settings = slices.Clone(p.Settings)
		for j := range p.Settings {
			p.Settings[j].Value = "…"
		}
	}
	return r
}

// The words of a plugin's labels.
const (
	wordPlugins  = "plugins"
	wordConfig   = "config"
	wordEnabled  = "enabled"
	wordInstance = "instance_name"
)

// pluginField is where wishes for plugins stand among the fields: after all rows.
var pluginField = len(rows)

// The most that one service or route may ask of plugins.
const (
	maxPlugins  = 32
	maxSettings = 128 // of one plugin
	maxSetting  = 256 // characters of a setting's path
)

// pluginLevel are the fields of Kong's plugin entity that are not its
// configuration. The short form does not reach them, and so can't be taken for
// them: config.tags is the configuration's.
var pluginLevel = []string{
	"consumer", "consumer_group", "created_at", "id", "name", "ordering", "protocols", "route", "service", "tags", "updated_at",
}

// readPlugin reads plugins.NAME[?][.PATH].
func (g Grammar) readPlugin(w wish, p position) (wish, *fault) {
	head, path, more := strings.Cut(p.tail, ".")
	name, optional := strings.CutSuffix(head, "?")
	example := p.path + wordPlugins + ".key-auth=true"
	switch {
	case !p.more || name == "":
		return w, &fault{message: fmt.Sprintf("key %s names no plugin", shown(w.label)), fix: "write for example " + example}
	case len(name) > maxPart || nameChars.refuse("", name) != nil:
		return w, &fault{message: fmt.Sprintf("%s is no plugin's name", shown(name)), fix: "use letters, digits, - and _, as Kong spells it"}
	case more && (path == "" || len(path) > maxSetting || badPath(path)):
		return w, &fault{
			message: fmt.Sprintf("key %s has no usable path after the plugin", shown(w.label)),
			fix:     "write the names of Kong's fields with one dot between them: " + p.path + wordPlugins + ".rate-limiting.config.minute=60",
		}
	}
	w.field, w.plugin, w.optional = pluginField, name, optional
	first, rest, deeper := strings.Cut(path, ".")
	switch {
	case !more, path == wordEnabled:
		w.entry = wordEnabled
	case path == wordInstance:
		w.entry = wordInstance
	case first == wordConfig && deeper:
		w.entry = wordConfig + "." + rest
	case first == wordConfig && g.manifest():
		return w, &fault{message: "config is one value, not a map", fix: "write its fields below it, one a line"}
	case first == wordConfig:
		return w, &fault{
			message: fmt.Sprintf("key %s sets all of the configuration at once", shown(w.label)),
			fix:     fmt.Sprintf("write a label for each field: %s%s.%s.config.FIELD=…", p.path, wordPlugins, name),
		}
	case slices.Contains(pluginLevel, first):
		return w, &fault{
			message: fmt.Sprintf("%s of a plugin can't be set by label", first),
			fix:     fmt.Sprintf("remove the label, or if a field of its configuration is meant write %s%s.%s.config.%s", p.path, wordPlugins, name, path),
		}
	default:
		w.entry = wordConfig + "." + path
	}
	return w, g.permits(&w)
}

func badPath(path string) bool {
	for part := range strings.SplitSeq(path, ".") {
		if part == "" || nameChars.refuse("", part) != nil {
			return true
		}
	}
	return false
}

// buildPlugins makes the plugins of one service or route from their wishes,
// which are sorted.
func (d *decoding) buildPlugins(wishes []wish) []Plugin {
	var made []Plugin
	for rest := wishes; len(rest) > 0; {
		n := run(rest, func(w *wish) bool { return w.plugin == rest[0].plugin })
		if len(made) == maxPlugins {
			d.report(rest[0].label, &fault{message: fmt.Sprintf("a service or route has at most %d plugins", maxPlugins), fix: "leave some out"})
			return made
		}
		made = append(made, d.buildPlugin(rest[:n]))
		rest = rest[n:]
	}
	return made
}

func (d *decoding) buildPlugin(wishes []wish) Plugin {
	made := Plugin{
		Name: wishes[0].plugin, Enabled: true, Optional: wishes[0].optional,
		Origin: d.first(wishes),
	}
	if len(wishes) > maxSettings {
		d.report(wishes[maxSettings].label, &fault{
			message: fmt.Sprintf("a plugin has at most %d %ss", maxSettings, d.grammar.noun()), fix: "write lists, maps and records as JSON in one " + d.grammar.noun(),
		})
	}
	for i := range wishes {
		w := &wishes[i]
		if w.optional != made.Optional {
			d.report(w.label, &fault{
				message: fmt.Sprintf("a plugin is optional as a whole, and %s differs in this", shown(wishes[0].label)),
				fix:     "write the ? in all of its " + d.grammar.noun() + "s or in none",
			})
		}
		text := strings.Trim(w.value, " ")
		if wrong := d.grammar.pluginValue(w, text); wrong != nil {
			d.reportValue(w.label, wrong)
			continue
		}
		switch w.entry {
		case wordEnabled:
			value, wrong := parseBool(text)
			if wrong != nil {
				d.reportValue(w.label, &fault{message: "the value is neither true nor false", fix: "write true to enable the plugin, or false to keep it without effect"})
			}
			made.Enabled = value.Bool
		case wordInstance:
			made.InstanceName = text
			if wrong := nameChars.refuse("instance name", text); wrong != nil || len(text) > maxHeader {
				d.reportValue(w.label, &fault{message: "that can't be an instance name", fix: "use " + nameChars.plain() + ", at most 128"})
			}
		default:
			made.Settings = append(made.Settings, Setting{
				Path: strings.TrimPrefix(w.entry, wordConfig+"."), Value: text,
				Origin: d.origin(w.label),
			})
		}
	}
	slices.SortFunc(made.Settings, func(a, b Setting) int { return cmp.Compare(a.Path, b.Path) })
	for _, s := range made.Settings {
		for _, other := range made.Settings {
			if strings.HasPrefix(other.Path, s.Path+".") {
				d.report(other.Origin.Label, &fault{
					message: fmt.Sprintf("the label %s sets all of %s already", shown(s.Origin.Label), s.Path),
					fix:     "write the fields one by one, or all of them as JSON in one label",
				})
			}
		}
	}
	return made
}

func (c Charset) plain() string { return strings.ReplaceAll(c.Words, "`", "") }

// pluginValue holds a value against what is true of all of them. It never
// repeats the value: it may be a secret.
func (g Grammar) pluginValue(w *wish, text string) *fault {
	switch {
	case text == "":
		return &fault{message: "the value is empty", fix: "give it a value, or remove the " + g.noun() + " to have Kong's default"}
	case len(text) > maxValueBytes:
		return &fault{message: fmt.Sprintf("the value has %d bytes, the most is %d", len(text), maxValueBytes), fix: "shorten it"}
	case !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\n' && r != '\r' && r != '\t' || r == 0x7f }):
		return &fault{message: "the value holds a control character, or bytes that are no text", fix: "remove it"}
	}
	if g.manifest() { // written by somebody who may use secrets and code
		return nil
	}
	texts := []string{text}
	if text[0] == '[' || text[0] == '{' {
		var value any
		if json.Unmarshal([]byte(text), &value) == nil {
			texts = textsOf(texts, value)
		}
	}
	for _, t := range texts {
		if strings.Contains(strings.ToLower(t), "{vault://") || strings.Contains(t, "${") {
			return &fault{
				reason:  PolicyDenied,
				message: "the value refers to a secret ({vault://…} or ${…}), which labels may not",
				fix:     "write the value itself",
			}
		}
		if strings.Contains(t, "$(") && !slices.Contains(g.AllowPlugins, w.plugin) {
			return &fault{
				reason:  PolicyDenied,
				message: "the value holds $(…), which Kong runs as code",
				fix:     "write a plain value, or start Lockstep with --allow-label-plugins " + w.plugin,
			}
		}
	}
	return nil
}

// textsOf adds every text within a JSON value, however it was escaped.
func textsOf(texts []string, value any) []string {
	switch v := value.(type) {
	case string:
		return append(texts, v)
	case []any:
		for _, element := range v {
			texts = textsOf(texts, element)
		}
	case map[string]any:
		for name, element := range v {
			texts = textsOf(append(texts, name), element)
		}
	}
	return texts
}

// ExpressiblePlugins returns the plugins that a gateway runs.
func ExpressiblePlugins(plugins []Plugin, g Gateway) []Plugin {
	if g == Kong {
		return plugins
	}
	return nil
}

// inexpressible returns the plugins that the gateway would have to run.
func inexpressible(plugins []Plugin, g Gateway) []string {
	if g == Kong {
		return nil
	}
	var names []string
	for _, p := range plugins {
		if p.Enabled && !p.Optional {
			names = append(names, wordPlugins+"."+p.Name)
		}
	}
	return names
}

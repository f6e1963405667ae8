package manifests

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// Settings of plugins may be references too.

// service reveals one service, and notes what came of it if it refers to anything. Where a
// reference leads nowhere, what it led to before stays.
func (r *revealer) service(name string, service *v1.Declared) *v1.Declared {
	if _, referred := r.referring[name]; referred {
		r.stale = true
		delete(r.referring, name)
	}
	if service == nil || !refers(service) {
		return service
	}
	next, files, problem := revealService(service)
	if problem != nil {
		if known := r.services[name]; known != nil && known.Withheld == nil {
			next = known
		} else {
			next = withheld(next, problem)
		}
	}
	r.referring[name], r.stale = followed{files, problem}, true
	return next
}

// wordy is how a reference begins.
const wordy = "${"

// refers reports whether any setting of a plugin is a reference.
func refers(d *v1.Declared) bool {
	plugin := func(p v1.Plugin) bool {
		return slices.ContainsFunc(p.Settings, func(s v1.Setting) bool { return strings.Contains(s.Value, wordy) })
	}
	if slices.ContainsFunc(d.Service.Plugins, plugin) {
		return true
	}
	for i := range d.Service.Routes {
		if slices.ContainsFunc(d.Service.Routes[i].Plugins, plugin) {
			return true
		}
	}
	for _, plugins := range d.OnRoutes {
		if slices.ContainsFunc(plugins, plugin) {
			return true
		}
	}
	return false
}

// eachPlugin visits the plugins of a service and of routes, in the same order each time.
func eachPlugin(d *v1.Declared, visit func(*v1.Plugin)) {
	lists := [][]v1.Plugin{d.Service.Plugins}
	for i := range d.Service.Routes {
		lists = append(lists, d.Service.Routes[i].Plugins)
	}
	for _, name := range slices.Sorted(maps.Keys(d.OnRoutes)) {
		lists = append(lists, d.OnRoutes[name])
	}
	for _, plugins := range lists {
		for i := range plugins {
			visit(&plugins[i])
		}
	}
}

// withheld returns the service as one that nobody may serve: left out, the labels
// of its containers alone would decide, and let through what it should not.
func withheld(d *v1.Declared, why *v1.Problem) *v1.Declared {
	next := *d
	next.Withheld = why
	return &next
}

// revealService returns the service with its settings looked up, and the files
// that they stand in. With a problem it must not be served: a plugin that lacks a
// setting may let through what it should not.
func revealService(d *v1.Declared) (*v1.Declared, []string, *v1.Problem) {
	next := *d
	next.Service.Plugins = clonePlugins(d.Service.Plugins)
	next.Service.Routes = slices.Clone(d.Service.Routes)
	for i := range next.Service.Routes {
		next.Service.Routes[i].Plugins = clonePlugins(next.Service.Routes[i].Plugins)
	}
	next.OnRoutes = maps.Clone(d.OnRoutes)
	for name, plugins := range next.OnRoutes {
		next.OnRoutes[name] = clonePlugins(plugins)
	}
	var files []string
	var problem *v1.Problem
	eachPlugin(&next, func(p *v1.Plugin) {
		for i := range p.Settings {
			s := &p.Settings[i]
			if !strings.Contains(s.Value, wordy) {
				continue
			}
			value, from, err := revealSetting(s.Value)
			files = append(files, from...)
			if err != nil && problem == nil {
				problem = &v1.Problem{
					Reason: v1.InvalidManifest, Object: v1.Key{Kind: v1.KindService, Name: d.Service.Name}, Origin: s.Origin,
					Message: fmt.Sprintf("%s of the plugin %s: %s", s.Path, p.Name, err), Fix: SecretRemedy(err),
				}
			}
			s.Value, s.Secret = value, true
		}
	})
	return &next, files, problem
}

// revealSetting returns a setting with the secrets in the places of their references: it is
// one, or a list that holds some. The list is then one secret as a whole.
func revealSetting(text string) (revealed string, files []string, err error) {
	look := func(v Value) string {
		if v.file != "" {
			files = append(files, v.file)
		}
		secret, wrong := v.Reveal()
		err = cmp.Or(err, wrong)
		return secret.Reveal()
	}
	if v, is := meant(text); is {
		return look(v), files, err
	}
	var list []any
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber() // numbers go on as they were written
	if wrong := decoder.Decode(&list); wrong != nil {
		return "", nil, fmt.Errorf("it holds ${…} and is neither a reference nor a list: %w", wrong)
	}
	for i := range list {
		list[i] = within(list[i], look)
	}
	encoded, wrong := json.Marshal(list)
	return string(encoded), files, cmp.Or(err, wrong)
}

// within returns a value with what its references lead to.
func within(value any, look func(Value) string) any {
	switch v := value.(type) {
	case []any:
		for i := range v {
			v[i] = within(v[i], look)
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			v[name] = within(v[name], look)
		}
	case string:
		if ref, is := meant(v); is {
			return look(ref)
		}
	}
	return value
}

// trailingNewline is what editors put at the end of a file, and no password has.
var trailingNewline = regexp.MustCompile(`\r?\n$`)

func clonePlugins(plugins []v1.Plugin) []v1.Plugin {
	plugins = slices.Clone(plugins)
	for i := range plugins {
		plugins[i].Settings = slices.Clone(plugins[i].Settings)
	}
	return plugins
}

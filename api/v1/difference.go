package v1

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Difference is one field in which two declarations of a service differ, for people.
type Difference struct {
	// Field is its path as a label would say it: "read_timeout", "routes.default.hosts".
	Field string `json:"field"`
	// Before and After are its values as labels would say them; "" where there is none.
	// Those of a plugin's configuration are never shown: "…" stands for any.
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
	// Origin is where the route or plugin that the field belongs to is asked for, or
	// was where there is none any more; zero for the service's own fields.
	Origin Origin `json:"origin,omitzero"`
}

// hidden stands for a value that is shown nowhere.
const hidden = "…"

// Differences returns the fields in which two declarations differ: the service's own
// in the order of the table, then plugins, then routes, each sorted by name. nil is a
// service that is not there. Origins don't count, and neither do the values of secrets.
func Differences(before, after *Service) []Difference {
	old, fresh := oneLevel(before), oneLevel(after)
	out := old.against(fresh)
	was, is := routesOf(before), routesOf(after)
	for _, name := range slices.Sorted(maps.Keys(union(was, is))) {
		old, fresh := was[name], is[name]
		for _, d := range old.against(fresh) {
			d.Field = wordRoutes + "." + name[strings.LastIndexByte(name, '.')+1:] + "." + d.Field
			if d.Origin.IsZero() {
				d.Origin = fresh.or(old)
			}
			out = append(out, d)
		}
	}
	return out
}

// level is what a service or a route says itself. Its zero value says nothing at all.
type level struct {
	there   bool
	of      target
	leaves  []string // names of fields that may be left out
	plugins []Plugin
	origin  Origin
}

func oneLevel(s *Service) level {
	if s == nil {
		return level{}
	}
	return level{there: true, of: target{service: s}, leaves: s.Optional, plugins: s.Plugins}
}

func routesOf(s *Service) map[string]level {
	out := map[string]level{}
	if s != nil {
		for i := range s.Routes {
			r := &s.Routes[i]
			out[r.Name] = level{there: true, of: target{route: r}, leaves: r.Optional, plugins: r.Plugins, origin: r.Origin}
		}
	}
	return out
}

func union[K comparable, V any](a, b map[K]V) map[K]V {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

// or returns where the level is asked for, else where the other was.
func (l level) or(other level) Origin {
	if l.there {
		return l.origin
	}
	return other.origin
}

// against returns in what fresh differs from l.
func (l level) against(fresh level) []Difference {
	scope := OfService
	if l.of.route != nil || fresh.of.route != nil {
		scope = OfRoute
	}
	var out []Difference
	for i := range rows {
		f := &rows[i]
		if f.Scope != scope || f.get == nil {
			continue
		}
		said, says := l.text(f), fresh.text(f)
		if said == says || !l.there && !fresh.sets(f) || !fresh.there && !l.sets(f) {
			continue
		}
		out = append(out, Difference{Field: f.Name, Before: said, After: says})
	}
	return append(out, comparePlugins(l.plugins, fresh.plugins)...)
}

// sets reports whether the level says more of a field than its default.
func (l level) sets(f *Field) bool { return f.isSet(f.get(l.of)) }

// text returns what the level says of a field.
func (l level) text(f *Field) string {
	if !l.there {
		return ""
	}
	text := f.Text(f.get(l.of))
	if slices.Contains(l.leaves, f.Name) {
		text += " (may be left out)"
	}
	return text
}

// comparePlugins tells plugins of one level apart, both lists sorted by name.
func comparePlugins(before, after []Plugin) []Difference {
	index := func(plugins []Plugin) map[string]*Plugin {
		out := map[string]*Plugin{}
		for i := range plugins {
			out[plugins[i].Name] = &plugins[i]
		}
		return out
	}
	was, is := index(before), index(after)
	var out []Difference
	for _, name := range slices.Sorted(maps.Keys(union(was, is))) {
		old, fresh := was[name], is[name]
		shown := fresh
		if fresh == nil {
			shown = old
		}
		at := shown.Origin
		if said, says := old.said(), fresh.said(); said != says {
			out = append(out, Difference{Field: wordPlugins + "." + name, Before: said, After: says, Origin: at})
		}
		if old == nil || fresh == nil {
			continue
		}
		for _, d := range compareSettings(old.Settings, fresh.Settings) {
			d.Field, d.Origin = wordPlugins+"."+name+"."+wordConfig+"."+d.Field, at
			out = append(out, d)
		}
	}
	return out
}

// said says of a plugin what is not its configuration.
func (p *Plugin) said() string {
	if p == nil {
		return ""
	}
	text := "on"
	if !p.Enabled {
		text = "off"
	}
	if p.InstanceName != "" {
		text += fmt.Sprintf(", %s=%s", wordInstance, p.InstanceName)
	}
	if p.Optional {
		text += " (may be left out)"
	}
	return text
}

func compareSettings(before, after []Setting) []Difference {
	was, is := map[string]Setting{}, map[string]Setting{}
	for _, s := range before {
		was[s.Path] = s.comparable()
	}
	for _, s := range after {
		is[s.Path] = s.comparable()
	}
	var out []Difference
	for _, path := range slices.Sorted(maps.Keys(union(was, is))) {
		old, had := was[path]
		fresh, has := is[path]
		if reflect.DeepEqual(old, fresh) {
			continue
		}
		d := Difference{Field: path}
		if had {
			d.Before = hidden
		}
		if has {
			d.After = hidden
		}
		out = append(out, d)
	}
	return out
}

// comparable returns the setting without its place, and without its value where
// that is a secret.
func (s Setting) comparable() Setting {
	s.Origin = Origin{}
	if s.Secret {
		s.Value = ""
	}
	return s
}

package v1

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
)

// NewService returns a service with every default and nothing else.
func NewService(name string) Service {
	s := fieldTable.service.Service
	s.Name = name
	return s
}

// Over returns what labels and a manifest ask for together: the fields that the
// manifest sets, optional or not as it says, its plugins and its routes, each
// whole, and otherwise what the labels say; nothing else when the manifest stands
// alone. A plugin that it puts on all of the service holds for the labels' routes as well,
// whatever they say of it. differing names what labels say and does not come about, sorted.
// base is not changed.
func (d *Declared) Over(base Service) (merged Service, differing []string) {
	if d.Alone {
		_, differing = d.over(base)
		differing = append(differing, d.added(base)...)
		slices.Sort(differing)
		base = NewService(base.Name)
		merged, _ = d.over(base)
		return merged, differing
	}
	return d.over(base)
}

// added names what labels ask for that the manifest says nothing of.
func (d *Declared) added(base Service) []string {
	said := slices.Concat(d.Fields, d.Service.Asks())
	return slices.DeleteFunc(base.Asks(), func(name string) bool { return slices.Contains(said, name) })
}

// over is Over where labels have a say.
func (d *Declared) over(base Service) (merged Service, differing []string) {
	merged = base
	from, to := target{service: &d.Service}, target{service: &merged}
	for i := range rows {
		f := &rows[i]
		if f.Scope != OfService || !slices.Contains(d.Fields, f.Name) {
			continue
		}
		said, labels := f.get(from), f.get(to)
		if f.isSet(labels) && !f.same(said, labels) {
			differing = append(differing, f.Name)
		}
		f.set(to, said)
	}
	merged.Optional = slices.DeleteFunc(slices.Clone(base.Optional), func(name string) bool { return slices.Contains(d.Fields, name) })
	merged.Optional = append(merged.Optional, d.Service.Optional...)
	if slices.Sort(merged.Optional); len(merged.Optional) == 0 {
		merged.Optional = nil
	}
	merged.Plugins = overlaid(base.Plugins, d.Service.Plugins, func(p Plugin) string { return p.Name }, func(a, b Plugin) {
		if !reflect.DeepEqual(a.unplaced(), b.unplaced()) {
			differing = append(differing, wordPlugins+"."+a.Name)
		}
	})
	merged.Routes = overlaid(base.Routes, d.Service.Routes, func(r Route) string { return r.Name }, func(a, b Route) {
		if !reflect.DeepEqual(a.unplaced(), b.unplaced()) {
			differing = append(differing, wordRoutes+"."+a.Name[len(base.Name)+1:])
		}
	})
	merged.Routes = d.overRoutes(base, merged.Routes, &differing)
	merged.Origin = cmp.Or(d.Service.Origin, base.Origin)
	slices.Sort(differing)
	return merged, differing
}

// overRoutes returns routes with what the manifest puts on those that labels make: plugins
// on the route itself, and those on all of the service, of which a route's own would take
// the place in Kong. routes is not changed.
func (d *Declared) overRoutes(base Service, routes []Route, differing *[]string) []Route {
	if len(d.OnRoutes) == 0 && len(d.Service.Plugins) == 0 {
		return routes
	}
	routes = slices.Clone(routes)
	for i := range routes {
		r := &routes[i]
		if slices.ContainsFunc(d.Service.Routes, func(own Route) bool { return own.Name == r.Name }) {
			continue
		}
		setting := wordRoutes + "." + r.Name[len(base.Name)+1:] + "." + wordPlugins + "."
		r.Plugins = overlaid(r.Plugins, d.OnRoutes[r.Name], func(p Plugin) string { return p.Name }, func(a, b Plugin) {
			if !reflect.DeepEqual(a.unplaced(), b.unplaced()) {
				*differing = append(*differing, setting+a.Name)
			}
		})
		r.Plugins = d.held(r.Plugins, func(name string) { *differing = append(*differing, setting+name) })
	}
	return routes
}

// held returns a route's plugins less those of labels that the manifest puts on all of the
// service: those are its own there as well. Of such a one stays that it may not be left
// out. differs is told the names of those that say something else.
func (d *Declared) held(plugins []Plugin, differs func(name string)) []Plugin {
	var out []Plugin
	for _, p := range plugins {
		at := slices.IndexFunc(d.Service.Plugins, func(own Plugin) bool { return own.Name == p.Name && own.Enabled })
		if at < 0 || p.Origin.File != "" {
			out = append(out, p)
			continue
		}
		own := d.Service.Plugins[at]
		if own.Optional && p.Enabled && !p.Optional {
			made := own
			made.Optional, made.InstanceName = false, "" // Kong has each of these names once
			out = append(out, made)
			own.Optional = false
		}
		if !reflect.DeepEqual(own.unplaced(), p.unplaced()) {
			differs(p.Name)
		}
	}
	return out
}

// Place returns where the manifest says a setting that it sets, as differing and Decisions
// name it: the field, plugins.NAME, routes.NAME or routes.NAME.plugins.NAME.
func (d *Declared) Place(setting string) Origin {
	if at, has := d.Places[setting]; has {
		return at
	}
	plugin := setting[strings.LastIndexByte(setting, '.')+1:]
	lists := [][]Plugin{d.Service.Plugins}
	if rest, isRoute := strings.CutPrefix(setting, wordRoutes+"."); isRoute {
		name, _, _ := strings.Cut(rest, ".")
		lists = append([][]Plugin{d.OnRoutes[d.Service.Name+"."+name]}, lists...)
	}
	for _, plugins := range lists {
		for i := range plugins {
			if plugins[i].Name == plugin {
				return plugins[i].Origin
			}
		}
	}
	return d.Service.Origin
}

// overlaid returns both lists as one, sorted by name; where a name is in both,
// that of over stands, and both is told.
func overlaid[T any](base, over []T, name func(T) string, both func(base, over T)) []T {
	if len(over) == 0 {
		return base
	}
	out := slices.Clone(over)
	for _, b := range base {
		if i := slices.IndexFunc(over, func(o T) bool { return name(o) == name(b) }); i >= 0 {
			both(b, over[i])
			continue
		}
		out = append(out, b)
	}
	slices.SortFunc(out, func(a, b T) int { return cmp.Compare(name(a), name(b)) })
	return out
}

// Unplaced returns the service without the places where it was asked for.
func (s Service) Unplaced() Service {
	s.Origin = Origin{}
	s.Plugins = slices.Clone(s.Plugins)
	for i := range s.Plugins {
		s.Plugins[i] = s.Plugins[i].unplaced()
	}
	s.Routes = slices.Clone(s.Routes)
	for i := range s.Routes {
		s.Routes[i] = s.Routes[i].unplaced()
	}
	return s
}

func (r Route) unplaced() Route {
	r.Origin = Origin{}
	r.Plugins = slices.Clone(r.Plugins)
	for i := range r.Plugins {
		r.Plugins[i] = r.Plugins[i].unplaced()
	}
	return r
}

func (p Plugin) unplaced() Plugin {
	p.Origin = Origin{}
	p.Settings = slices.Clone(p.Settings)
	for i := range p.Settings {
		p.Settings[i].Origin = Origin{}
	}
	return p
}

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

// Overruled is a setting that labels ask for and that does not come about, for a manifest
// decides it.
type Overruled struct {
	// Setting is the field, plugins.NAME or routes.NAME, with .FIELD or .plugins.NAME behind
	// it where the manifest has that route as well.
	Setting string
	// Manifest and Labels are what each says of it, as labels would; "" where it says nothing,
	// and for both where plugins differ in their configuration alone, which is not shown.
	Manifest, Labels string
}

// Over returns what labels and a manifest ask for together, field by field: those that the
// manifest sets, optional or not as it says, and its plugins, and otherwise what the labels
// say; nothing else when the manifest stands alone. Routes that both have are put together
// likewise. A plugin that it puts on all of the service holds for the labels' routes as
// well, whatever they say of it. overruled is what labels say and does not come about,
// sorted. base is not changed.
func (d *Declared) Over(base Service) (merged Service, overruled []Overruled) {
	merged = d.over(base, &overruled)
	if d.Alone {
		overruled = append(overruled, d.added(base, overruled)...)
		var none []Overruled
		merged = d.over(NewService(base.Name), &none)
	}
	slices.SortFunc(overruled, func(a, b Overruled) int { return cmp.Compare(a.Setting, b.Setting) })
	return merged, overruled
}

// added returns what labels ask for that the manifest says nothing of, besides what is known
// to be overruled.
func (d *Declared) added(base Service, known []Overruled) []Overruled {
	said := slices.Concat(d.Fields, d.Service.Asks())
	for _, o := range known {
		said = append(said, o.Setting)
	}
	var out []Overruled
	add := func(setting, labels string) {
		if !slices.Contains(said, setting) {
			out = append(out, Overruled{Setting: setting, Labels: labels})
		}
	}
	for _, s := range base.Says() {
		add(s.Field.Name, s.Field.Text(s.Value))
	}
	for i := range base.Plugins {
		add(wordPlugins+"."+base.Plugins[i].Name, base.Plugins[i].said())
	}
	for i := range base.Routes {
		r, prefix := &base.Routes[i], settingOf(base.Name, base.Routes[i].Name)
		own := d.route(r.Name)
		if own == nil {
			add(prefix, r.words())
			continue
		}
		for _, s := range r.Says() {
			add(prefix+"."+s.Field.Name, s.Field.Text(s.Value))
		}
		for n := range r.Plugins {
			if p := &r.Plugins[n]; !hasPlugin(own.Plugins, p.Name) {
				add(prefix+"."+wordPlugins+"."+p.Name, p.said())
			}
		}
	}
	return out
}

// over is Over where labels have a say.
func (d *Declared) over(base Service, overruled *[]Overruled) Service {
	merged := base
	merged.Optional = d.overFields("", OfService, level{of: target{service: &d.Service}, leaves: d.Service.Optional},
		level{of: target{service: &merged}, leaves: base.Optional}, overruled)
	merged.Plugins = overPlugins(wordPlugins+".", base.Plugins, d.Service.Plugins, overruled)
	merged.Routes = overlaid(base.Routes, d.Service.Routes, func(r Route) string { return r.Name }, func(labels, own Route) Route {
		return d.overRoute(settingOf(base.Name, own.Name), labels, own, merged.Protocol, overruled)
	})
	merged.Routes = d.overRoutes(base, merged.Routes, overruled)
	merged.Origin = cmp.Or(d.Service.Origin, base.Origin)
	return merged
}

// overFields puts the fields of a level that the manifest sets in place of those of labels,
// and returns which of both may be left out.
func (d *Declared) overFields(prefix string, scope Scope, from, to level, overruled *[]Overruled) (optional []string) {
	sets := func(name string) bool { return slices.Contains(d.Fields, prefix+name) }
	for i := range rows {
		f := &rows[i]
		if f.Scope != scope || !sets(f.Name) {
			continue
		}
		said, labels := f.get(from.of), f.get(to.of)
		if f.isSet(labels) && !f.same(said, labels) {
			*overruled = append(*overruled, Overruled{Setting: prefix + f.Name, Manifest: f.Text(said), Labels: f.Text(labels)})
		}
		f.set(to.of, said)
	}
	optional = append(slices.DeleteFunc(slices.Clone(to.leaves), sets), from.leaves...)
	if slices.Sort(optional); len(optional) == 0 {
		return nil
	}
	return optional
}

// overPlugins returns the plugins of labels with those of the manifest in the place of their own.
func overPlugins(prefix string, base, own []Plugin, overruled *[]Overruled) []Plugin {
	return overlaid(base, own, func(p Plugin) string { return p.Name }, func(labels, own Plugin) Plugin {
		overrule(prefix, own, labels, overruled)
		return own
	})
}

// overrule notes that a plugin of the manifest stands where labels say something else of it.
func overrule(prefix string, own, labels Plugin, overruled *[]Overruled) {
	if reflect.DeepEqual(labels.unplaced(), own.unplaced()) {
		return
	}
	o := Overruled{Setting: prefix + own.Name, Manifest: own.said(), Labels: labels.said()}
	if o.Manifest == o.Labels { // so it is their configuration
		o.Manifest, o.Labels = "", ""
	}
	*overruled = append(*overruled, o)
}

// overRoute returns a route that labels and the manifest make. What of the labels' does not
// fit the protocol is left out; where the manifest's own match does not, the labels' would
// open it, so the manifest's stands alone.
func (d *Declared) overRoute(prefix string, labels, own Route, protocol Protocol, overruled *[]Overruled) Route {
	prefix += "."
	if !own.Fits(protocol) {
		if !labels.SameAs(own) {
			*overruled = append(*overruled, Overruled{Setting: strings.TrimSuffix(prefix, "."), Manifest: own.words(), Labels: labels.words()})
		}
		return own
	}
	merged := labels
	for i := range rows {
		f := &rows[i]
		if f.Scope != OfRoute || f.Protocols == nil || slices.Contains(f.Protocols, protocol) || slices.Contains(d.Fields, prefix+f.Name) {
			continue
		}
		if said := f.get(target{route: &merged}); f.isSet(said) {
			*overruled = append(*overruled, Overruled{Setting: prefix + f.Name, Labels: f.Text(said)})
			f.set(target{route: &merged}, f.Default)
			merged.Optional = slices.DeleteFunc(slices.Clone(merged.Optional), func(name string) bool { return name == f.Name })
		}
	}
	merged.Optional = d.overFields(prefix, OfRoute, level{of: target{route: &own}, leaves: own.Optional},
		level{of: target{route: &merged}, leaves: merged.Optional}, overruled)
	merged.Plugins = overPlugins(prefix+wordPlugins+".", labels.Plugins, own.Plugins, overruled)
	merged.Origin = own.Origin
	return merged
}

// route returns the manifest's route of that name; nil: it has none.
func (d *Declared) route(name string) *Route {
	if i := slices.IndexFunc(d.Service.Routes, func(r Route) bool { return r.Name == name }); i >= 0 {
		return &d.Service.Routes[i]
	}
	return nil
}

// settingOf names a route as a setting of its service.
func settingOf(service, route string) string { return wordRoutes + "." + route[len(service)+1:] }

// words says what a route asks for, plugins aside.
func (r *Route) words() string {
	var words []string
	for _, s := range r.Says() {
		words = append(words, s.Field.Name+"="+s.Field.Text(s.Value))
	}
	return strings.Join(words, " ")
}

func hasPlugin(plugins []Plugin, name string) bool {
	return slices.ContainsFunc(plugins, func(p Plugin) bool { return p.Name == name })
}

// overRoutes returns routes with what the manifest puts on those that labels make: plugins
// on the route itself, and those on all of the service, of which a route's own would take
// the place in Kong. routes is not changed.
func (d *Declared) overRoutes(base Service, routes []Route, overruled *[]Overruled) []Route {
	if len(d.OnRoutes) == 0 && len(d.Service.Plugins) == 0 {
		return routes
	}
	routes = slices.Clone(routes)
	for i := range routes {
		r := &routes[i]
		if !slices.ContainsFunc(base.Routes, func(theirs Route) bool { return theirs.Name == r.Name }) {
			continue
		}
		prefix := settingOf(base.Name, r.Name) + "." + wordPlugins + "."
		r.Plugins = overPlugins(prefix, r.Plugins, d.OnRoutes[r.Name], overruled)
		r.Plugins = d.held(r.Plugins, func(own, labels Plugin) { overrule(prefix, own, labels, overruled) })
	}
	return routes
}

// held returns a route's plugins less those of labels that the manifest puts on all of the
// service: those are its own there as well. Of such a one stays that it may not be left
// out. differs is told of those of which labels say something.
func (d *Declared) held(plugins []Plugin, differs func(own, labels Plugin)) []Plugin {
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
		differs(own, p)
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
// both says what stands.
func overlaid[T any](base, over []T, name func(T) string, both func(base, over T) T) []T {
	if len(over) == 0 {
		return base
	}
	out := slices.Clone(over)
	for _, b := range base {
		if i := slices.IndexFunc(over, func(o T) bool { return name(o) == name(b) }); i >= 0 {
			out[i] = both(b, over[i])
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

// SameAs reports whether two routes ask for the same, wherever that was.
func (r Route) SameAs(o Route) bool { return reflect.DeepEqual(r.unplaced(), o.unplaced()) }

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

package v1

import (
	"cmp"
	"reflect"
	"slices"
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
// alone. differing names what labels say and does not come about, sorted. base is not
// changed.
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
	from, to := DeclaredService{Service: d.Service}, DeclaredService{Service: base}
	for i := range rows {
		f := &rows[i]
		if f.Scope != OfService || !slices.Contains(d.Fields, f.Name) {
			continue
		}
		said, labels := f.get(&from, nil), f.get(&to, nil)
		if f.isSet(labels) && !f.same(said, labels) {
			differing = append(differing, f.Name)
		}
		f.set(target{service: &to}, said)
	}
	merged = to.Service
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
	merged.Origin = cmp.Or(d.Service.Origin, base.Origin)
	slices.Sort(differing)
	return merged, differing
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

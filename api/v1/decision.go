package v1

import (
	"cmp"
	"slices"
)

// Decision says who decides one setting of a service: the field, plugins.NAME or
// routes.NAME, as labels name it.
type Decision struct {
	Setting string `json:"setting"` // its name, as labels have it
	Origin  Origin `json:"origin"`  // the place in a manifest, or the container whose labels decide
	// Over says that labels ask for something else, which does not come about.
	Over bool `json:"over_labels,omitempty"`
}

// Decisions says who decides each setting that is not a default, where a manifest
// and labels meet; sorted by setting. labels is what these ask for, merged and differing
// what Over makes of that.
func (d *Declared) Decisions(labels, merged *Service, differing []string) []Decision {
	var out []Decision
	add := func(setting string, at Origin) {
		out = append(out, Decision{Setting: setting, Origin: at, Over: at.File != "" && slices.Contains(differing, setting)})
	}
	for _, said := range merged.Says() {
		add(said.Field.Name, cmp.Or(d.Places[said.Field.Name], Origin{Container: labels.Origin.Container}))
	}
	for _, name := range d.Fields { // set to the default, against labels
		if slices.Contains(differing, name) && !slices.ContainsFunc(out, func(other Decision) bool { return other.Setting == name }) {
			add(name, d.Places[name])
		}
	}
	for i := range merged.Plugins {
		add(wordPlugins+"."+merged.Plugins[i].Name, merged.Plugins[i].Origin)
	}
	for i := range merged.Routes {
		route := &merged.Routes[i]
		setting := wordRoutes + "." + route.Name[len(merged.Name)+1:]
		add(setting, route.Origin)
		for _, p := range d.OnRoutes[route.Name] {
			add(setting+"."+wordPlugins+"."+p.Name, p.Origin)
		}
	}
	slices.SortFunc(out, func(a, b Decision) int { return cmp.Compare(a.Setting, b.Setting) })
	return out
}

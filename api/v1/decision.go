package v1

import (
	"cmp"
	"fmt"
	"slices"
)

// Decision says who decides one setting of a service: the field, plugins.NAME or
// routes.NAME, as labels name it; of a route that a manifest and labels have each of its
// fields and plugins (routes.NAME.FIELD, routes.NAME.plugins.NAME).
type Decision struct {
	Setting string `json:"setting"` // its name, as labels have it
	Origin  Origin `json:"origin"`  // the place in a manifest, or the container whose labels decide
	// Over says that labels ask for something else, which does not come about.
	Over   bool   `json:"over_labels,omitempty"`
	Value  string `json:"value,omitempty"`  // then: what the manifest says, as labels write it; a plugin's configuration is not shown
	Labels string `json:"labels,omitempty"` // then: what labels ask for, likewise
}

// Decisions says who decides each setting that is not a default, where a manifest
// and labels meet; sorted by setting. labels is what these ask for, merged and overruled
// what Over makes of that.
func (d *Declared) Decisions(labels, merged *Service, overruled []Overruled) []Decision {
	var out []Decision
	over := make(map[string]Overruled, len(overruled))
	for _, o := range overruled {
		over[o.Setting] = o
	}
	add := func(setting string, at Origin) {
		decision := Decision{Setting: setting, Origin: at}
		if o, is := over[setting]; is && at.File != "" {
			decision.Over, decision.Value, decision.Labels = true, o.Manifest, o.Labels
			delete(over, setting)
		}
		out = append(out, decision)
	}
	decides := Origin{Container: labels.Origin.Container}
	for _, said := range merged.Says() {
		add(said.Field.Name, cmp.Or(d.Places[said.Field.Name], decides))
	}
	for i := range merged.Plugins {
		add(wordPlugins+"."+merged.Plugins[i].Name, merged.Plugins[i].Origin)
	}
	for i := range merged.Routes {
		route := &merged.Routes[i]
		setting := settingOf(merged.Name, route.Name)
		plugins := d.OnRoutes[route.Name]
		if _, apart := over[setting]; !apart && d.route(route.Name) != nil && slices.ContainsFunc(labels.Routes, func(r Route) bool { return r.Name == route.Name }) {
			for _, said := range route.Says() {
				field := setting + "." + said.Field.Name
				add(field, cmp.Or(d.Places[field], decides))
			}
			plugins = route.Plugins
		} else {
			add(setting, route.Origin)
		}
		for n := range plugins {
			add(setting+"."+wordPlugins+"."+plugins[n].Name, plugins[n].Origin)
		}
	}
	for setting := range over { // set to the default, left out, or not for labels to say
		add(setting, cmp.Or(d.Place(setting), d.Service.Origin))
	}
	slices.SortFunc(out, func(a, b Decision) int { return cmp.Compare(a.Setting, b.Setting) })
	return out
}

// Contested is the setting with what the manifest and what labels say of it, shortened:
// "grace (5m; labels: 1h)".
func (d *Decision) Contested() string {
	if d.Value == "" && d.Labels == "" {
		return d.Setting
	}
	return fmt.Sprintf("%s (%s; labels: %s)", d.Setting, cmp.Or(brief(d.Value), "left out"), cmp.Or(brief(d.Labels), "nothing"))
}

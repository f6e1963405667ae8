package manifests

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// PluginOn is a plugin that is declared apart from the service or route of ours
// that it is on, which a manifest declares or labels make. Whoever uses that must pass it,
// so it is part of it: a gateway that can't run it does not serve it.
type PluginOn struct {
	Service, Route string // the key of one of them
	At             v1.Origin
	Plugin         v1.Plugin
}

// key is the object that the plugin is on.
func (p *PluginOn) key() v1.Key {
	if p.Route != "" {
		return v1.Key{Kind: v1.KindRoute, Name: p.Route}
	}
	return v1.Key{Kind: v1.KindService, Name: p.Service}
}

// plugin reads the spec of a Plugin: what it is called, what it is on, and its fields.
func (r *reader) plugin(o *Object, spec []entry) {
	named := r.only(spec, "name", "service", "route", "consumer", "consumer_group", "optional", "enabled", "instance_name", "config", "protocols", "ordering", "tags")
	name := o.Name
	if e, has := named["name"]; has {
		name, _ = r.text(e, 2)
	}
	_, onService := named["service"]
	route, onRoute := named["route"]
	_, onConsumer := named["consumer"]
	_, onGroup := named["consumer_group"]
	forSome := onConsumer || onGroup
	switch {
	case onConsumer && onGroup:
		r.report(named["consumer_group"].at, "consumer_group stands beside consumer", "write one of them: Kong takes no plugin on both")
	case onService && onRoute && !forSome:
		r.report(route.at, "route stands beside service", "write one of them: a route has its service")
	case (onService || onRoute) && !forSome:
		o.PluginOn = r.pluginOn(name, o.Origin, named)
	default:
		if e, has := named["optional"]; has {
			r.report(e.at, "optional says that a gateway may serve a service or route without it, and it is on none", "remove it")
		}
		known, _ := v1.EntityKindOf(v1.KindPlugin, "")
		w := &words{reader: r}
		w.entity(known, pluginNode(name, o.Origin, among(spec, named)), nil, 1)
		o.Entities = w.entities
	}
}

// among returns the entries that were read, in their order: what is said of the others was said.
func among(entries []entry, read map[string]entry) []entry {
	return slices.DeleteFunc(slices.Clone(entries), func(e entry) bool {
		_, is := read[e.key]
		return !is
	})
}

// pluginNode is the spec with the plugin's name.
func pluginNode(name string, at v1.Origin, spec []entry) *yaml.Node {
	scalar := func(value string, at v1.Origin) *yaml.Node {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value, Line: at.Line, Column: at.Column}
	}
	item := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: at.Line, Column: at.Column, Content: []*yaml.Node{scalar("name", at), scalar(name, at)}}
	for _, e := range spec {
		if e.key != "name" && e.key != "optional" {
			item.Content = append(item.Content, scalar(e.key, e.at), e.value)
		}
	}
	return item
}

// pluginOn reads a plugin on a service or route of ours, as these read theirs.
func (r *reader) pluginOn(name string, at v1.Origin, named map[string]entry) *PluginOn {
	out := &PluginOn{}
	for _, word := range []string{"service", "route"} {
		e, has := named[word]
		if !has {
			continue
		}
		key, ok := r.text(e, 2)
		if !ok {
			return nil
		}
		out.At = r.at(e.value)
		if message, fix := checkOn(word, key); message != "" {
			r.report(out.At, message, fix)
			return nil
		}
		if word == "route" {
			out.Route = key
		} else {
			out.Service = key
		}
	}
	for _, word := range []string{"protocols", "ordering", "tags"} {
		if e, has := named[word]; has {
			r.report(e.at, word+" can't be set of a plugin on a service or route of Lockstep's", "remove it, or declare service, route and plugin as KongEntities")
		}
	}
	label := name
	if e, has := named["optional"]; has && r.flag(e, 2) {
		label += "?"
	}
	fields := []v1.Written{{Key: wordPlugins + "." + label, Value: "true", At: at, Values: []v1.Origin{at}}}
	for _, word := range []string{"enabled", "instance_name", "config"} {
		e, has := named[word]
		if !has {
			continue
		}
		if word == "enabled" {
			fields = nil
		}
		r.write(wordPlugins+"."+label+".", e, 2, &fields)
	}
	declared, problems := v1.DecodeService("plugin", at, fields, nil)
	r.problems = append(r.problems, problems...)
	if len(declared.Service.Plugins) == 1 {
		out.Plugin = declared.Service.Plugins[0]
		out.Plugin.Origin = at
	}
	return out
}

// checkOn says what is wrong with the name of what a plugin is on; word is "service" or
// "route". Whether there is one, labels may say.
func checkOn(word, key string) (message, fix string) {
	if message, fix = v1.CheckServiceKey(key); message == "" && word == "route" && !strings.Contains(key, ".") {
		return fmt.Sprintf("the route %s names no service", shown(key)), "write the service's name, a dot, and the route's own: " + key + ".default"
	}
	return message, fix
}

// followPlugin says what is wrong with a plugin that is on what Kong's own words declare.
func (l *linking) followPlugin(o *Object) *finding {
	on := o.PluginOn.key()
	if _, ours := l.owners[on]; ours {
		return nil
	}
	native, has := l.owners[inWords(on)]
	if !has {
		return nil
	}
	return &finding{Problem: v1.Problem{
		Reason: v1.InvalidManifest, Object: v1.Key{Kind: v1.KindEntity, Name: "plugin/" + o.Name}, Origin: o.PluginOn.At,
		Message: fmt.Sprintf("the %s %s is declared in Kong's own words, at %s", on.Kind, on.Name, native.placeOf(inWords(on))),
		Fix:     "write the plugin there, as KongEntities",
	}}
}

// inWords is what a service or route of that name is called where Kong's own words declare it.
func inWords(on v1.Key) v1.Key {
	return v1.Key{Kind: v1.KindEntity, Name: string(on.Kind) + "/" + on.Name}
}

// ownKind is the key of an entity by its own kind; of other things it is what it was.
func ownKind(key v1.Key) v1.Key {
	if key.Kind != v1.KindEntity {
		return key
	}
	kind, name, _ := strings.Cut(key.Name, "/")
	return v1.Key{Kind: v1.Kind(kind), Name: name}
}

// pluginAt is a plugin on a service or route, of which there is one.
type pluginAt struct {
	on   v1.Key
	name string
}

// pair leaves a plugin out that the service or route has already, by itself or by another one
// that is declared apart.
func (l *linking) pair(i int, o *Object) {
	if o.PluginOn == nil {
		return
	}
	at := pluginAt{o.PluginOn.key(), o.PluginOn.Plugin.Name}
	first, has := l.plugins[at]
	if owner := l.owners[at.on]; owner != nil && !l.left[owner] && !has {
		first, has = owner.has(at)
	}
	if !has {
		if l.plugins == nil {
			l.plugins = map[pluginAt]v1.Origin{}
		}
		l.plugins[at] = o.PluginOn.Plugin.Origin
		return
	}
	l.refuse(i, o, v1.Problem{
		Reason: v1.InvalidManifest, Object: at.on, Origin: o.PluginOn.At,
		Message: fmt.Sprintf("the %s %s has a plugin %s already, at %s", at.on.Kind, at.on.Name, at.name, first),
		Fix:     "keep one of the two",
	})
}

// has reports whether a Service or Route says itself that it has a plugin, and where.
func (o *Object) has(at pluginAt) (where v1.Origin, has bool) {
	var plugins []v1.Plugin
	switch {
	case o.Route != nil:
		plugins = o.Route.Route.Plugins
	case o.Service != nil && at.on.Kind == v1.KindService:
		plugins = o.Service.Service.Plugins
	case o.Service != nil:
		routes := o.Service.Service.Routes
		plugins = routes[slices.IndexFunc(routes, func(r v1.Route) bool { return r.Name == at.on.Name })].Plugins
	}
	if n := slices.IndexFunc(plugins, func(p v1.Plugin) bool { return p.Name == at.name }); n >= 0 {
		return plugins[n].Origin, true
	}
	return v1.Origin{}, false
}

// attachPlugins adds plugins that are declared apart to copies of their services. What
// no manifest declares, labels may make: until then the plugin waits.
func (w *World) attachPlugins(plugins []*PluginOn) {
	for _, p := range plugins {
		name := p.home()
		service := v1.Declared{Service: v1.NewService(name), Addition: true}
		if known := w.Services[name]; known != nil {
			service = *known
		}
		next := append(slices.Clone(p.beside(&service)), p.Plugin)
		slices.SortFunc(next, func(a, b v1.Plugin) int { return strings.Compare(a.Name, b.Name) })
		p.put(&service, next)
		w.Services[name] = &service
	}
}

// home returns the service that the plugin is for.
func (p *PluginOn) home() string {
	if p.Route == "" {
		return p.Service
	}
	return p.Route[:strings.LastIndexByte(p.Route, '.')]
}

// place returns which of the service's routes the plugin is on; -1 when it is none that
// manifests declare, or the service as a whole.
func (p *PluginOn) place(d *v1.Declared) int {
	return slices.IndexFunc(d.Service.Routes, func(r v1.Route) bool { return r.Name == p.Route })
}

// beside returns the plugins that what the plugin is on has already.
func (p *PluginOn) beside(d *v1.Declared) []v1.Plugin {
	switch at := p.place(d); {
	case p.Route == "":
		return d.Service.Plugins
	case at >= 0:
		return d.Service.Routes[at].Plugins
	}
	return d.OnRoutes[p.Route]
}

// put replaces them, and changes nothing that other copies of the service share.
func (p *PluginOn) put(d *v1.Declared, plugins []v1.Plugin) {
	switch at := p.place(d); {
	case p.Route == "":
		d.Service.Plugins = plugins
	case at >= 0:
		d.Service.Routes = slices.Clone(d.Service.Routes)
		d.Service.Routes[at].Plugins = plugins
	default:
		d.OnRoutes = maps.Clone(d.OnRoutes)
		if d.OnRoutes == nil {
			d.OnRoutes = map[string][]v1.Plugin{}
		}
		d.OnRoutes[p.Route] = plugins
	}
}

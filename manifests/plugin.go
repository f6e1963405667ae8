package manifests

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// PluginOn is a plugin that is declared apart from the service or route of ours
// that it is on. Whoever uses that must pass it, so it is part of it: a gateway that
// can't run it does not serve it.
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
	named := r.only(spec, "name", "service", "route", "consumer", "optional", "enabled", "instance_name", "config", "protocols", "ordering", "tags")
	name := o.Name
	if e, has := named["name"]; has {
		name, _ = r.text(e, 2)
	}
	_, onService := named["service"]
	route, onRoute := named["route"]
	_, onConsumer := named["consumer"]
	switch {
	case onService && onRoute && !onConsumer:
		r.report(route.at, "route stands beside service", "write one of them: a route has its service")
	case (onService || onRoute) && !onConsumer:
		o.PluginOn = r.pluginOn(name, o.Origin, named)
	default:
		if e, has := named["optional"]; has {
			r.report(e.at, "optional says that a gateway may serve a service or route without it, and it is on none", "remove it")
		}
		known, _ := v1.EntityKindOf(v1.KindPlugin, "")
		w := &words{reader: r}
		w.entity(known, pluginNode(name, o.Origin, spec), nil, 1)
		o.Entities = w.entities
	}
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
	declared, problems := v1.DecodeService("plugin", at, fields)
	r.problems = append(r.problems, problems...)
	if len(declared.Service.Plugins) == 1 {
		out.Plugin = declared.Service.Plugins[0]
		out.Plugin.Origin = at
	}
	return out
}

// followPlugin leaves a plugin out that is on nothing, or that is there twice.
func (l *linking) followPlugin(i int, o *Object) {
	on := o.PluginOn.key()
	problem := v1.Problem{Reason: v1.InvalidManifest, Object: v1.Key{Kind: v1.KindEntity, Name: "plugin/" + o.Name}, Origin: o.PluginOn.At}
	if _, has := l.owners[on]; has {
		return
	}
	problem.Message = fmt.Sprintf("no manifest declares the %s %q", on.Kind, on.Name)
	problem.Fix = l.nearest(on)
	l.left[o] = true
	l.dangling[i] = append(l.dangling[i], problem)
}

// attachPlugins adds plugins that are declared apart to copies of their services.
// One that the service or route has by itself already stays as it is there.
func (w *World) attachPlugins(plugins []*PluginOn) []v1.Problem {
	var problems []v1.Problem
	for _, p := range plugins {
		name, at := w.home(p)
		service := *w.Services[name]
		into := &service.Service.Plugins
		if at >= 0 {
			service.Service.Routes = slices.Clone(service.Service.Routes)
			into = &service.Service.Routes[at].Plugins
		}
		if twice := slices.IndexFunc(*into, func(other v1.Plugin) bool { return other.Name == p.Plugin.Name }); twice >= 0 {
			problems = append(problems, v1.Problem{
				Reason: v1.InvalidManifest, Object: p.key(), Origin: p.At,
				Message: fmt.Sprintf("the %s %s has a plugin %s already, at %s", p.key().Kind, p.key().Name, p.Plugin.Name, (*into)[twice].Origin),
				Fix:     "keep one of the two",
			})
			continue
		}
		*into = append(slices.Clone(*into), p.Plugin)
		slices.SortFunc(*into, func(a, b v1.Plugin) int { return strings.Compare(a.Name, b.Name) })
		w.Services[name] = &service
	}
	return problems
}

// home returns the service that a plugin is for, and the place of the route that it
// is on; -1 for the service as a whole.
func (w *World) home(p *PluginOn) (service string, route int) {
	if p.Route == "" {
		return p.Service, -1
	}
	for name, declared := range w.Services {
		for i := range declared.Service.Routes {
			if declared.Service.Routes[i].Name == p.Route {
				return name, i
			}
		}
	}
	return "", -1
}

package compile

import (
	"fmt"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/kong/jsonvalue"
	"github.com/lockstep/lockstep/reconcilers/kong/secret"
)

// failure says which plugins of a service or route could not be made.
type failure struct {
	problems []v1.Problem // without the object that they keep from being served
	whole    bool         // one of them is not there at all
}

// plugins adds the plugins of a service or route, and returns those without
// which its routes must not be served. A plugin that can't be made as it is
// asked for stays as Kong holds it.
func (c *compiler) plugins(kind v1.Kind, parent string, s *v1.Service, plugins []v1.Plugin) ([]v1.Key, failure) {
	var needs []v1.Key
	var failed failure
	for _, p := range plugins {
		key := v1.Key{Kind: v1.KindPlugin, Name: entity.PluginKey(kind, parent, p.Name)}
		if problems := c.plugin(kind, parent, s, p); len(problems) > 0 {
			failed.problems = append(failed.problems, problems...)
			last := c.Held[s.Name]
			if !entity.Works(last, key) {
				failed.whole = failed.whole || p.Enabled
				continue
			}
			c.state[key] = last[key]
		}
		if p.Enabled {
			needs = append(needs, key)
		}
	}
	return needs, failed
}

// plugin adds one plugin, or says why it can't be made.
func (c *compiler) plugin(kind v1.Kind, parent string, s *v1.Service, p v1.Plugin) []v1.Problem {
	wrong := func(origin v1.Origin, message, fix string) v1.Problem {
		reason := v1.InvalidLabel
		if origin.File != "" {
			reason = v1.InvalidManifest
		}
		return v1.Problem{Reason: reason, Gateway: v1.Kong, Origin: origin, Message: message, Fix: fix}
	}
	if c.Catalog == nil && c.Offline {
		return nil
	}
	if c.Catalog == nil {
		return []v1.Problem{wrong(p.Origin, "kong was not asked yet which plugins it has", "it is tried again by itself")}
	}
	about := c.Catalog.Plugins[p.Name]
	if about == nil {
		return []v1.Problem{wrong(p.Origin, fmt.Sprintf("kong has no plugin %s", p.Name), c.Catalog.Enable(p.Name, asked(p.Origin, "the label", "it from the manifest")))}
	}
	var problems []v1.Problem
	config := map[string]any{}
	for _, setting := range p.Settings {
		if err := about.Place(config, setting.Path, setting.Value); err != nil {
			problems = append(problems, wrong(setting.Origin, fmt.Sprintf("plugin %s: config.%s: %s", p.Name, setting.Path, err.Message), err.Fix))
		}
	}
	if len(problems) > 0 {
		return problems
	}
	for _, name := range about.Lacking(config) {
		problems = append(problems, wrong(p.Origin, fmt.Sprintf("plugin %s: config.%s: required field missing", p.Name, name), asked(p.Origin, "set it with a label", "write it in the manifest")))
	}
	if len(problems) == 0 {
		c.addPlugin(kind, parent, s, p, config)
	}
	return problems
}

func (c *compiler) addPlugin(kind v1.Kind, parent string, s *v1.Service, p v1.Plugin, config map[string]any) {
	key := entity.PluginKey(kind, parent, p.Name)
	marks := []string{entity.TagService + s.Name}
	if kind == v1.KindRoute {
		marks = append(marks, entity.TagRoute+parent)
	}
	if mark := c.Catalog.Plugins[p.Name].Own(config, secret.Veil{Seal: c.Names.Seal, ID: c.Names.ID(v1.KindPlugin, key)}); mark != "" {
		marks = append(marks, entity.TagSecret+mark)
	}
	for _, setting := range p.Settings {
		if setting.Secret {
			marks = append(marks, entity.TagHidden+entity.Quoted("config."+setting.Path))
		}
	}
	body := map[string]any{
		"name": p.Name, "enabled": p.Enabled, "config": config, "tags": c.Names.Tags(marks...),
		string(kind): map[string]any{"id": c.Names.ID(kind, parent)},
	}
	if p.InstanceName != "" {
		body["instance_name"] = p.InstanceName
	}
	rec := &entity.Record{Row: entity.RowOf(c.Rows, v1.KindPlugin), Key: key, Service: s.Name, ID: c.Names.ID(v1.KindPlugin, key),
		ParentKeys: map[string]string{string(kind): parent}}
	var err error
	if rec.Body, err = jsonvalue.Of(body); err != nil {
		c.refuse(v1.Key{Kind: v1.KindService, Name: s.Name}, p.Origin, "the plugin can't be written as JSON", "report this as a defect of Lockstep")
		return
	}
	rec.Body["id"] = rec.ID
	c.Names.Sign(rec)
	rec.Secrets = c.Catalog.Of(rec).Secrets(rec)
	o := rec.Object(c.Catalog.Configured(rec, nil, c.Names.Veil(rec)))
	o.Origin = p.Origin
	rec.Origins = make(map[string]v1.Origin, len(p.Settings))
	for _, setting := range p.Settings {
		rec.Origins["config."+setting.Path] = setting.Origin
	}
	c.state[o.Key] = o
}

// blame reports problems of plugins at what they keep from being served.
func (c *compiler) blame(problems []v1.Problem, object v1.Key) {
	for _, p := range problems {
		p.Object = object
		c.problems = append(c.problems, p)
	}
}

// asked chooses between what is said of a label and of a manifest.
func asked(at v1.Origin, label, manifest string) string {
	if at.File != "" {
		return manifest
	}
	return label
}

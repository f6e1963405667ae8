package manifests

import (
	"bytes"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// Write writes services as manifests: read again, they ask for the same. Endpoints
// and all else that belongs to instances stay with their labels.
func Write(services []*v1.Service) ([]byte, error) {
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	for _, s := range services {
		document := mapping(
			"apiVersion", scalar(APIVersion),
			"kind", scalar("Service"),
			"metadata", mapping("name", scalar(s.Name)),
		)
		if spec := specOf(s); len(spec.Content) > 0 {
			put(document, "spec", spec)
		}
		if err := encoder.Encode(document); err != nil {
			return nil, fmt.Errorf("write service %s: %w", s.Name, err)
		}
	}
	if err := encoder.Close(); err != nil {
		return nil, fmt.Errorf("write services: %w", err)
	}
	return out.Bytes(), nil
}

// specOf returns the spec of a service. A route of the short form's name, when it is
// the only one, is written in the short form.
func specOf(s *v1.Service) *yaml.Node {
	spec := mapping()
	say(spec, s.Says())
	plugins := s.Plugins
	if len(s.Routes) == 1 && s.Routes[0].Name == s.Name+".default" && len(s.Routes[0].Plugins) == 0 {
		say(spec, s.Routes[0].Says())
	} else if len(s.Routes) > 0 {
		routes := mapping()
		for i := range s.Routes {
			route := mapping()
			say(route, s.Routes[i].Says())
			sayPlugins(route, s.Routes[i].Plugins)
			put(routes, strings.TrimPrefix(s.Routes[i].Name, s.Name+"."), route)
		}
		put(spec, "routes", routes)
	}
	sayPlugins(spec, plugins)
	return spec
}

// say writes fields into a mapping.
func say(into *yaml.Node, said []v1.Saying) {
	for _, s := range said {
		name := s.Field.Name
		if s.Optional {
			name += "?"
		}
		put(into, name, valueOf(s))
	}
}

func valueOf(s v1.Saying) *yaml.Node {
	switch s.Field.Type {
	case v1.List:
		return sequence(s.Value.List)
	case v1.Map:
		entries := mapping()
		for _, name := range slices.Sorted(maps.Keys(s.Value.Map)) {
			put(entries, name, sequence(s.Value.Map[name]))
		}
		return entries
	case v1.Shares:
		entries := mapping()
		for _, name := range slices.Sorted(maps.Keys(s.Value.Shares)) {
			put(entries, name, scalar(strconv.Itoa(s.Value.Shares[name])+"%"))
		}
		return entries
	default:
		return scalar(s.Field.Text(s.Value))
	}
}

// sayPlugins writes plugins, when there are any.
func sayPlugins(into *yaml.Node, plugins []v1.Plugin) {
	if len(plugins) == 0 {
		return
	}
	all := mapping()
	for i := range plugins {
		p := &plugins[i]
		name, value := p.Name, mapping()
		if p.Optional {
			name += "?"
		}
		if !p.Enabled {
			put(value, "enabled", scalar("false"))
		}
		if p.InstanceName != "" {
			put(value, "instance_name", scalar(p.InstanceName))
		}
		if len(p.Settings) > 0 {
			config := mapping()
			for _, setting := range p.Settings {
				nest(config, strings.Split(setting.Path, "."), scalar(setting.Value))
			}
			put(value, "config", config)
		}
		if len(value.Content) == 0 {
			value = scalar("true")
		}
		put(all, name, value)
	}
	put(into, "plugins", all)
}

// nest puts a value into nested mappings.
func nest(into *yaml.Node, path []string, value *yaml.Node) {
	if len(path) == 1 {
		put(into, path[0], value)
		return
	}
	for i := 0; i < len(into.Content); i += 2 {
		if into.Content[i].Value == path[0] && into.Content[i+1].Kind == yaml.MappingNode {
			nest(into.Content[i+1], path[1:], value)
			return
		}
	}
	below := mapping()
	put(into, path[0], below)
	nest(below, path[1:], value)
}

// mapping returns a mapping of names and values in turn.
func mapping(content ...any) *yaml.Node {
	node := &yaml.Node{Kind: yaml.MappingNode}
	for i := 0; i+1 < len(content); i += 2 {
		put(node, content[i].(string), content[i+1].(*yaml.Node)) //nolint:forcetypeassert // ours, in this file
	}
	return node
}

func put(into *yaml.Node, name string, value *yaml.Node) {
	into.Content = append(into.Content, scalar(name), value)
}

func sequence(items []string) *yaml.Node {
	node := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	for _, item := range items {
		node.Content = append(node.Content, scalar(item))
	}
	return node
}

// bare are values that need no quotes to be read back as they are.
var bare = regexp.MustCompile(`^(true|false|0|[1-9][0-9]{0,17})$`)

// scalar writes a text so that it is read back as that text.
func scalar(text string) *yaml.Node {
	node := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
	if bare.MatchString(text) {
		node.Tag = ""
	}
	return node
}

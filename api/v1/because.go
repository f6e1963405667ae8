package v1

import (
	"fmt"
	"slices"
	"strings"
)

// Own returns the keys of a container's labels that are ours, sorted.
func (g Grammar) Own(s Subject) []string {
	d := &decoding{grammar: g, subject: s}
	d.collect()
	keys := make([]string, len(d.own))
	for i, own := range d.own {
		keys[i] = own.key
	}
	return keys
}

// LabelOf returns the key of the label by which a container sets a field of itself, or of
// the service with a key; "" when none does. Fields of routes are no service's.
func (g Grammar) LabelOf(s Subject, service, field string) string {
	d := &decoding{grammar: g, subject: s}
	d.collect()
	for _, own := range d.own {
		w, wrong := g.read(own.key, own.rest, own.value)
		if wrong != nil || w.plugin != "" || w.route != "" || rows[w.field].Name != field {
			continue
		}
		if w.service == "" || strings.HasSuffix(service, "."+w.service) {
			return own.key
		}
	}
	return ""
}

// NamedBecause says where the key of a container's service comes from.
func (g Grammar) NamedBecause(s Subject, service string) string {
	base, from := service, "the container's name"
	d := &decoding{grammar: g, subject: s}
	d.collect()
	switch label := g.LabelOf(s, "", serviceField); {
	case label != "":
		from = "the label " + label
	case s.Project != "" && s.Service != "":
		from = "the names of its Compose project and service"
	case s.Labels[swarmLabel] != "":
		from = "the name of its Swarm service"
	}
	for _, own := range d.own {
		w, unread := g.read(own.key, own.rest, own.value)
		if unread == nil && w.service != "" && strings.HasSuffix(service, "."+w.service) {
			base = strings.TrimSuffix(service, "."+w.service)
			return fmt.Sprintf("%s by %s, and %s by labels that begin with %s%s.%s.", base, from, w.service, g.Prefix, wordServices, w.service)
		}
	}
	return fmt.Sprintf("%s by %s", base, from)
}

// Asks names all that a service asks for beyond the defaults, as labels name it: its
// fields, plugins.NAME and routes.NAME; sorted.
func (s *Service) Asks() []string {
	var names []string
	for _, said := range s.Says() {
		names = append(names, said.Field.Name)
	}
	for i := range s.Plugins {
		names = append(names, wordPlugins+"."+s.Plugins[i].Name)
	}
	for i := range s.Routes {
		names = append(names, wordRoutes+"."+strings.TrimPrefix(s.Routes[i].Name, s.Name+"."))
	}
	slices.Sort(names)
	return names
}

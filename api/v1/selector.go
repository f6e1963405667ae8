package v1

import (
	"slices"
	"strings"
)

// Selector brings containers into a service by labels that some other tool has put on
// them. It is immutable.
type Selector struct {
	// Labels are what a container must bear, all of them, letter for letter; sorted by
	// name, each once, never empty.
	Labels []SelectorLabel
	// Part has the fields of an instance that the manifest sets for all of these
	// containers; its Service is empty.
	Part DeclaredService
	// Fields are those fields, sorted, and Places where the manifest sets them.
	Fields []string
	Places map[string]Origin
	Origin Origin
}

// SelectorLabel is one label with its value, which may be empty.
type SelectorLabel struct{ Name, Value string }

// Selects reports whether a container with these labels is one of the service.
func (s *Selector) Selects(labels map[string]string) bool {
	for _, want := range s.Labels {
		if value, has := labels[want.Name]; !has || value != want.Value {
			return false
		}
	}
	return true
}

// Over returns a container's part in the service: the fields that the manifest sets,
// each whole, and otherwise what the container's own labels say.
func (s *Selector) Over(part DeclaredService) DeclaredService {
	if len(s.Fields) == 0 {
		return part
	}
	said := s.Part
	for i := range rows {
		if f := &rows[i]; f.Scope == OfInstance && slices.Contains(s.Fields, f.Name) {
			f.set(target{instance: &part}, f.get(target{instance: &said}))
		}
	}
	optional := slices.DeleteFunc(slices.Clone(part.Optional), func(name string) bool { return slices.Contains(s.Fields, name) })
	optional = append(optional, said.Optional...)
	if part.Optional = nil; len(optional) > 0 {
		slices.Sort(optional)
		part.Optional = optional
	}
	return part
}

// String returns the labels as they are often written: "app=shop, tier=web".
func (s *Selector) String() string {
	words := make([]string, len(s.Labels))
	for i, label := range s.Labels {
		words[i] = label.Name + "=" + label.Value
	}
	return strings.Join(words, ", ")
}

// NewInstance returns what an instance is to a service of which its labels say nothing.
func NewInstance(service string) DeclaredService {
	made := fieldTable.service
	made.Service.Name = service
	return made
}

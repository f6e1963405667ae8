package compose

import (
	"strings"

	"go.yaml.in/yaml/v3"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// servicePlaces are the places of one service in a file.
type servicePlaces struct {
	service v1.Origin
	labels  map[string]v1.Origin // by key
}

// topOf returns the map that a text begins with; nil when it is none.
func topOf(text []byte) *yaml.Node {
	var document yaml.Node
	if yaml.Unmarshal(text, &document) != nil || len(document.Content) == 0 || document.Content[0].Kind != yaml.MappingNode {
		return nil
	}
	return document.Content[0]
}

// follow returns what an alias stands for.
func follow(n *yaml.Node) *yaml.Node {
	for range 32 {
		if n == nil || n.Kind != yaml.AliasNode {
			break
		}
		n = n.Alias
	}
	return n
}

// pairs visits the keys and values of a map.
func pairs(n *yaml.Node, visit func(key, value *yaml.Node)) {
	if n = follow(n); n == nil || n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		visit(n.Content[i], n.Content[i+1])
	}
}

// valueOf returns the value of a key; nil when there is none.
func valueOf(n *yaml.Node, name string) (found *yaml.Node) {
	pairs(n, func(key, value *yaml.Node) {
		if key.Value == name {
			found = value
		}
	})
	return found
}

// placesOf finds where the services of a file and their labels stand. A label that
// an alias or a merge brings in is where it is written.
func placesOf(path string, text []byte) map[string]servicePlaces {
	places := map[string]servicePlaces{}
	pairs(valueOf(topOf(text), "services"), func(key, value *yaml.Node) {
		s := servicePlaces{service: at(path, key), labels: map[string]v1.Origin{}}
		s.collect(path, value, 0)
		places[key.Value] = s
	})
	return places
}

// collect notes the labels of a service, and of what is merged into it; what stands
// there itself wins.
func (s *servicePlaces) collect(path string, service *yaml.Node, depth int) {
	if depth > 8 {
		return
	}
	labels := valueOf(service, "labels")
	s.note(path, labels, 0)
	pairs(service, func(key, value *yaml.Node) {
		if key.ShortTag() == "!!merge" {
			s.collect(path, value, depth+1)
		}
	})
}

// note notes labels, written as a map or as a list of key=value.
func (s *servicePlaces) note(path string, labels *yaml.Node, depth int) {
	add := func(key string, n *yaml.Node) {
		if _, known := s.labels[key]; !known {
			s.labels[key] = at(path, n)
		}
	}
	labels = follow(labels)
	if labels == nil || depth > 8 {
		return
	}
	if labels.Kind == yaml.SequenceNode {
		for _, item := range labels.Content {
			key, _, _ := strings.Cut(follow(item).Value, "=")
			add(key, item)
		}
		return
	}
	pairs(labels, func(key, _ *yaml.Node) {
		if key.ShortTag() != "!!merge" {
			add(key.Value, key)
		}
	})
	pairs(labels, func(key, value *yaml.Node) {
		if key.ShortTag() == "!!merge" {
			s.note(path, value, depth+1)
		}
	})
}

func at(path string, n *yaml.Node) v1.Origin {
	return v1.Origin{File: path, Line: n.Line, Column: n.Column}
}

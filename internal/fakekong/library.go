package fakekong

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/lockstep/lockstep/internal/fakekong/schema"
)

//go:embed builtin.yaml
var builtin []byte

// library holds the schemas: parsed, to validate by, and as they came, to be served.
type library struct {
	entities, plugins map[string]*schema.Field
	raw               map[string]json.RawMessage // "services", "plugins/cors"
}

// ownLibrary holds the package's schemas. It is read once, and never changed: a program
// may start many Kongs.
var ownLibrary = sync.OnceValues(func() (*library, error) {
	l := &library{
		entities: map[string]*schema.Field{},
		plugins:  map[string]*schema.Field{},
		raw:      map[string]json.RawMessage{},
	}
	var own json.RawMessage
	err := readYAML(string(builtin), &own)
	if err == nil {
		err = l.add(own)
	}
	if err != nil {
		return nil, fmt.Errorf("read the schemas of the package: %w", err)
	}
	return l, nil
})

// newLibrary reads the package's schemas and those of the caller, which go first.
func newLibrary(extra []byte, groups bool) (*library, error) {
	own, err := ownLibrary()
	if err != nil {
		return nil, err
	}
	l := &library{entities: maps.Clone(own.entities), plugins: maps.Clone(own.plugins), raw: maps.Clone(own.raw)}
	if extra != nil {
		if err := l.add(extra); err != nil {
			return nil, fmt.Errorf("read Options.Schemas: %w", err)
		}
	}
	if groups && l.entities["consumer_groups"] == nil { // the caller's schemas may be of an edition that has them
		if err := l.addGroups(); err != nil {
			return nil, err
		}
	}
	for name, p := range l.plugins {
		l.plugins[name] = l.entities["plugins"].Extend(p)
	}
	return l, nil
}

// add reads one collection of schemas.
func (l *library) add(data []byte) error {
	var in struct {
		Entities map[string]json.RawMessage `json:"entities"`
		Plugins  map[string]json.RawMessage `json:"plugins"`
	}
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	for name, raw := range in.Entities {
		f, err := schema.Parse(raw)
		if err != nil {
			return fmt.Errorf("entity %s: %w", name, err)
		}
		l.entities[name], l.raw[name] = f, raw
	}
	for name, raw := range in.Plugins {
		f, err := schema.Parse(raw)
		if err != nil {
			return fmt.Errorf("plugin %s: %w", name, err)
		}
		l.plugins[name], l.raw["plugins/"+name] = f, raw
	}
	return nil
}

// of returns the schema for an entity of that kind with these fields, which for a
// plugin depends on its name; nil where the plugin is unknown.
func (l *library) of(kind string, fields map[string]any) *schema.Field {
	if kind == "plugins" {
		if name, ok := fields["name"].(string); ok {
			return l.plugins[name]
		}
	}
	return l.entities[kind]
}

// enabled lists the plugins, sorted.
func (l *library) enabled() []string { return slices.Sorted(maps.Keys(l.plugins)) }

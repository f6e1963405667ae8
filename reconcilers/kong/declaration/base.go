package declaration

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/kong/jsonvalue"
	"github.com/lockstep/lockstep/reconcilers/kong/secret"
)

// Base is what else a Kong without a database is to hold: the user's own entities, as they
// stand in a declarative file. Every push carries them along as they are. nil is one that
// holds nothing.
type Base struct {
	lists map[string][]any // by section
	known map[v1.Kind][]map[string]any
	// secrets are what Kong must not be heard to repeat of it.
	secrets []string
	digest  string
}

// baseFormat is the only version of the format whose paths mean what ours mean.
const baseFormat = "3.0"

// Parse reads a declarative file; nil for an empty one. The error repeats no value.
func Parse(rows []*entity.Row, text []byte) (*Base, error) {
	if len(text) == 0 {
		return nil, nil
	}
	var document map[string]any
	if err := yaml.Unmarshal(text, &document); err != nil {
		if _, shows := errors.AsType[*yaml.TypeError](err); shows { // it repeats values
			return nil, errors.New("the file is no map of lists, as Kong's declarative files are")
		}
		return nil, fmt.Errorf("the file is no YAML: %w", err)
	}
	plain, err := jsonvalue.Of(document)
	if err != nil {
		return nil, fmt.Errorf("the file can't be passed on: %w", err)
	}
	sum := sha256.Sum256(text)
	b := &Base{lists: map[string][]any{}, known: map[v1.Kind][]map[string]any{}, digest: hex.EncodeToString(sum[:])[:12]}
	if version := fmt.Sprint(plain["_format_version"]); version != baseFormat {
		return nil, fmt.Errorf("its _format_version is %.20q; convert it to %s", version, baseFormat)
	}
	if plain["_transform"] == false {
		return nil, errors.New("it says _transform: false, so its passwords are hashed already and can't go along with others; write them out, or keep them in a vault")
	}
	for name, value := range plain {
		if strings.HasPrefix(name, "_") {
			continue
		}
		list, ok := value.([]any)
		if value != nil && !ok {
			return nil, fmt.Errorf("its %.60q is no list", name)
		}
		b.lists[name] = list
		if row := rowOfSection(rows, name); row != nil {
			b.collect(rows, row, list)
		}
	}
	return b, nil
}

func rowOfSection(rows []*entity.Row, section string) *entity.Row {
	i := slices.IndexFunc(rows, func(r *entity.Row) bool { return r.Section == section })
	if i < 0 {
		return nil
	}
	return rows[i]
}

// collect notes entities with those that are nested in them.
func (b *Base) collect(rows []*entity.Row, kind *entity.Row, list []any) {
	for _, element := range list {
		one, ok := element.(map[string]any)
		if !ok {
			continue
		}
		b.known[kind.Kind] = append(b.known[kind.Kind], one)
		for _, name := range kind.Secrets {
			if text, ok := one[name].(string); ok && text != "" {
				b.secrets = append(b.secrets, secret.Spellings(text)...)
			}
		}
		for _, child := range rows {
			nested, ok := one[child.Section].([]any)
			if ok && slices.Contains(slices.Collect(maps.Values(child.Refs)), kind.Kind) {
				b.collect(rows, child, nested)
			}
		}
	}
}

// Has reports whether an entity that a node holds is one of the file's: it has the same id, or
// the same of what tells entities of its kind apart.
func (b *Base) Has(kind *entity.Row, held map[string]any) bool {
	if b == nil {
		return false
	}
	sets := kind.Apart
	if len(sets) == 0 {
		sets = [][]string{{"cert"}}
	}
	return slices.ContainsFunc(b.known[kind.Kind], func(one map[string]any) bool {
		if id, given := one["id"].(string); given {
			return strings.EqualFold(id, fmt.Sprint(held["id"]))
		}
		return slices.ContainsFunc(sets, func(fields []string) bool {
			fields = slices.DeleteFunc(slices.Clone(fields), func(field string) bool { return kind.Refs[field] != "" })
			mine := &entity.Record{Row: kind, Body: one}
			return mine.Equal(held, fields)
		})
	})
}

// Mark is what tells the file from another, in few characters; "" for none.
func (b *Base) Mark() string {
	if b == nil {
		return ""
	}
	return b.digest
}

// Secrets is what Kong must not be heard to repeat of the file.
func (b *Base) Secrets() []string {
	if b == nil {
		return nil
	}
	return b.secrets
}

// Holds reports whether the file has a list that we know nothing of, by Kong's path for it.
func (b *Base) Holds(section string) bool {
	return b != nil && len(b.lists[strings.ReplaceAll(section, "-", "_")]) > 0
}

// merged puts the file's entities before ours.
func (b *Base) merged(sections map[string]any) (string, error) {
	if b != nil {
		for name, list := range b.lists {
			ours, _ := sections[name].([]any)
			if all := slices.Concat(list, ours); len(all) > 0 {
				sections[name] = all
			}
		}
	}
	text, err := json.Marshal(sections)
	if err != nil {
		return "", fmt.Errorf("render kong's configuration: %w", err)
	}
	return string(text), nil
}

package schema

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/admin"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/kong/secret"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// Catalog is what one Kong can hold and run, as it says itself. A version of Kong always has
// the same descriptions, so several Catalogs may share them; they are not changed.
type Catalog struct {
	Kinds   map[v1.Kind]*Schema // a kind without one is not known to this Kong
	Plugins map[string]*Schema  // by name: what it can run
	Partial bool                // Kong named a plugin that it did not describe, for now
}

// Read reads Kong's own description of what we write and of its plugins, by their names, but
// for what is known from the same version; known may be nil. At most limit requests are
// under way at once. An error is one of admin's, or says what can't be read.
func Read(ctx context.Context, from *admin.Client, rows []*entity.Row, plugins []string, known *Catalog, limit int) (Catalog, error) {
	var c Catalog
	var err error
	if known != nil {
		c.Kinds = known.Kinds
	} else if c.Kinds, err = readKinds(ctx, from, rows, nil, limit); err != nil {
		return Catalog{}, err
	}
	if known == nil {
		known = &Catalog{}
	}
	found := make([]*Schema, len(plugins))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(limit)
	for i, name := range plugins {
		if found[i] = known.Plugins[name]; found[i] != nil {
			continue
		}
		group.Go(func() (err error) {
			found[i], err = readPlugin(ctx, from, c.Kinds[v1.KindPlugin], name)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return Catalog{}, err
	}
	c.Plugins = make(map[string]*Schema, len(plugins))
	for i, name := range plugins {
		if found[i] == nil { // it is named, but this node has it not; the next look asks again
			c.Partial = true
			continue
		}
		c.Plugins[name] = found[i]
	}
	return c, nil
}

// Again asks again for the kinds that Kong did not know, and reports whether it knows any of
// them now: c has these then.
func (c *Catalog) Again(ctx context.Context, from *admin.Client, rows []*entity.Row, limit int) (more bool, err error) {
	kinds, err := readKinds(ctx, from, rows, c.Kinds, limit)
	if err != nil || len(kinds) == len(c.Kinds) {
		return false, err
	}
	c.Kinds = kinds
	return true, nil
}

// readPlugin reads the description of one plugin; nil where this node has none.
func readPlugin(ctx context.Context, from *admin.Client, all *Schema, name string) (*Schema, error) {
	a, err := from.Do(ctx, admin.Request{Method: http.MethodGet, Path: "/schemas/plugins/" + name})
	if admin.IsStatus(err, http.StatusNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	own, err := parse(all.row, a.Body)
	if err != nil {
		return nil, fmt.Errorf("read the schema of kong's plugin %s: %w", name, err)
	}
	return all.extended(own), nil
}

// readKinds reads the description of each kind that this Kong knows, but for those that are
// known already.
func readKinds(ctx context.Context, from *admin.Client, rows []*entity.Row, known map[v1.Kind]*Schema, limit int) (map[v1.Kind]*Schema, error) {
	found := make([]*Schema, len(rows))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(limit)
	for i, row := range rows {
		if found[i] = known[row.Kind]; found[i] != nil {
			continue
		}
		group.Go(func() error {
			a, err := from.Do(ctx, admin.Request{Method: http.MethodGet, Path: "/schemas/" + row.Section})
			if admin.IsStatus(err, http.StatusNotFound) && row.Optional() {
				return nil
			}
			if err != nil {
				return err
			}
			if found[i], err = parse(row, a.Body); err != nil {
				return fmt.Errorf("read the schema of kong's %s: %w", row.Section, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	kinds := make(map[v1.Kind]*Schema, len(rows))
	for i, row := range rows {
		if found[i] != nil {
			kinds[row.Kind] = found[i]
		}
	}
	return kinds, nil
}

// Of returns the schema of an entity: a plugin's is its own.
func (c *Catalog) Of(rec *entity.Record) *Schema {
	if rec.Row.Kind == v1.KindPlugin {
		if s := c.Plugins[rec.Name()]; s != nil {
			return s
		}
	}
	return c.Kinds[rec.Row.Kind]
}

// Configured adds what a plugin's configuration says beyond Kong's defaults to what is
// compared, field by field ("config.minute"), and returns that; secrets as digests.
func (c *Catalog) Configured(rec *entity.Record, others map[string]any, v secret.Veil) map[string]any {
	if others == nil {
		others = map[string]any{}
	}
	top := c.Of(rec).field("config")
	if top == nil || c.Plugins[rec.Name()] == nil { // of a plugin that this Kong no longer has
		others["config"] = v.Digest(entity.Canonical(rec.Row, "config", rec.Body["config"]))
		return others
	}
	top.leaves("config", rec.Body["config"], v, others)
	return others
}

// Declared is the object of what is declared in Kong's own words, from what was declared as
// from what Kong holds: every field that is not Kong's default.
func (c *Catalog) Declared(rec *entity.Record, key secret.Seal) *plan.Object {
	v := secret.Veil{Seal: key, ID: rec.ID, Hidden: append(entity.AllTagged(rec.Body, entity.TagHidden), rec.Row.Secrets...)}
	fields := c.Of(rec).declared(rec, v)
	if rec.Row.Kind == v1.KindPlugin {
		c.Configured(rec, fields, v)
	}
	if mark := entity.Tagged(rec.Body, entity.TagSecret); mark != "" {
		fields["secret"] = "(secret " + mark + ")"
	}
	return rec.DeclaredAs(fields)
}

// WithSecrets returns a record with its secrets; a copy, for several states may share it.
func (c *Catalog) WithSecrets(rec *entity.Record) *entity.Record {
	if len(rec.Secrets) > 0 {
		return rec
	}
	known := *rec
	known.Secrets = c.Of(rec).Secrets(rec)
	return &known
}

// Enable is the advice for a plugin that Kong has not; what is what asks for it.
func (c *Catalog) Enable(name, what string) string {
	fix := "enable it in Kong's setting plugins, or remove " + what
	if near := v1.Nearest(name, slices.Collect(maps.Keys(c.Plugins))); near != "" {
		fix = "did you mean " + near + "? " + strings.ToUpper(fix[:1]) + fix[1:]
	}
	return fix
}

package kong

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"golang.org/x/sync/errgroup"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/admin"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
)

// facts are what Kong says of itself.
type facts struct {
	database string // "off" when there is none
	version  string
	streams  []stream
	schemas  map[v1.Kind]*schema
	plugins  map[string]*schema // by name: what Kong can run
	partial  bool               // of a plugin it gave no schema, for now
}

// of returns the schema of an entity: a plugin's is its own.
func (f *facts) of(rec *entity.Record) *schema {
	if rec.Row.Kind == v1.KindPlugin {
		if s := f.plugins[rec.Name()]; s != nil {
			return s
		}
	}
	return f.schemas[rec.Row.Kind]
}

func (f *facts) dbless() bool { return f.database == "off" }

// parseFacts reads Kong's answer about itself, but for schemas, and the list of its plugins
// as it stands there; false where it is none of Kong's.
func parseFacts(text []byte) (f *facts, plugins json.RawMessage, known bool) {
	var root struct {
		Version       string `json:"version"`
		Configuration struct {
			Database string          `json:"database"`
			Streams  json.RawMessage `json:"stream_listeners"`
		} `json:"configuration"`
		Plugins struct {
			Available json.RawMessage `json:"available_on_server"`
		} `json:"plugins"`
	}
	if err := json.Unmarshal(text, &root); err != nil || root.Version == "" || root.Configuration.Database == "" {
		return nil, nil, false
	}
	f = &facts{database: root.Configuration.Database, version: root.Version, streams: parseStreams(root.Configuration.Streams)}
	return f, root.Plugins.Available, true
}

// suits says what of the options does not go with this Kong.
func (r *Reconciler) suits(f *facts) error {
	switch {
	case f.dbless() && len(r.options.AdminURLs) > 1:
		return admin.Problem(v1.Conflict, "several addresses of Kong are given, and the one at "+r.client.Where()+" has no database",
			"name nodes without a database, or nodes of one cluster with one")
	case f.dbless() && len(r.options.ProxyURLs) > 1:
		return admin.Problem(v1.Conflict, fmt.Sprintf("%d addresses of Kong's proxy are given for the one node without a database at %s", len(r.options.ProxyURLs), r.client.Where()),
			"name for each --kong-admin-url of a node without a database its own --kong-proxy-url, in the same order")
	case !f.dbless() && r.base != nil:
		return admin.Problem(v1.Conflict, "--kong-base is for a Kong without a database, and the one at "+r.client.Where()+" has one",
			"leave --kong-base out: what is not Lockstep's stays there by itself")
	}
	return nil
}

// ask reads what Kong says of itself, unless that is known.
func (r *Reconciler) ask(ctx context.Context) error {
	if r.facts != nil && !r.facts.partial {
		return nil
	}
	path := "/"
	if r.options.Workspace != "" {
		path = "/kong" // "/" belongs to the default workspace
	}
	a, err := r.client.Do(ctx, admin.Request{Method: http.MethodGet, Path: path})
	if err != nil {
		return err
	}
	f, available, known := parseFacts(a.Body)
	if !known {
		return admin.Problem(v1.GatewayUnreachable, "what answers at "+r.client.Where()+" is not Kong's Admin API", "set --kong-admin-url to the address in Kong's admin_listen")
	}
	if err := r.suits(f); err != nil {
		return err
	}
	if r.last != nil && r.last.version == f.version {
		f.schemas = r.last.schemas
	} else if f.schemas, err = r.schemas(ctx); err != nil {
		return err
	}
	if f.plugins, err = r.pluginSchemas(ctx, f, available); err != nil {
		return err
	}
	if r.last == nil || r.last.version != f.version || r.last.database != f.database {
		r.options.Log.Info("talking to kong", "url", r.client.Where(), "version", f.version, "database", f.database)
	}
	if r.facts == nil { // it was away: it may have come back as one that takes more
		clear(r.refused)
	}
	r.facts, r.last = f, f
	if r.Verifies() {
		r.verifier.Learn(a.Body, !f.dbless(), f.plugins[entity.ProofPlugin] != nil)
	}
	return nil
}

// schemas reads Kong's own description of what we write. A kind without one is not
// known to this Kong.
func (r *Reconciler) schemas(ctx context.Context) (map[v1.Kind]*schema, error) {
	found := make([]*schema, len(r.rows))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(r.options.Concurrency)
	for i, row := range r.rows {
		group.Go(func() error {
			a, err := r.client.Do(ctx, admin.Request{Method: http.MethodGet, Path: "/schemas/" + row.Section})
			if admin.IsStatus(err, http.StatusNotFound) && row.Optional() {
				return nil
			}
			if err != nil {
				return err
			}
			if found[i], err = parseSchema(row, a.Body); err != nil {
				return fmt.Errorf("read the schema of kong's %s: %w", row.Section, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	schemas := make(map[v1.Kind]*schema, len(r.rows))
	for i, row := range r.rows {
		if found[i] != nil {
			schemas[row.Kind] = found[i]
		}
	}
	return schemas, nil
}

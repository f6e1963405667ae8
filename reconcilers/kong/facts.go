package kong

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/admin"
	"github.com/lockstep/lockstep/reconcilers/kong/compile"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/kong/schema"
)

// facts are what Kong says of itself.
type facts struct {
	database string // "off" when there is none
	version  string
	streams  []compile.Stream
	schema.Catalog
}

func (f *facts) dbless() bool { return f.database == "off" }

// catalog is what Kong said that it can hold when it was last asked; nil while it was not.
func (r *Reconciler) catalog() *schema.Catalog {
	if r.last == nil {
		return nil
	}
	return &r.last.Catalog
}

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
	f = &facts{database: root.Configuration.Database, version: root.Version, streams: compile.Streams(root.Configuration.Streams)}
	return f, root.Plugins.Available, true
}

// pluginNames are those of a list of plugins, sorted; false where it is none.
func pluginNames(list json.RawMessage) (names []string, said bool) {
	available := map[string]any{}
	if len(list) > 0 && json.Unmarshal(list, &available) != nil {
		return nil, false
	}
	return slices.Sorted(maps.Keys(available)), true
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

// kindsAgain is how long it is believed that Kong does not know a kind of entities: what said so
// may have been a proxy before it. It is less than the time between two looks by time alone.
const kindsAgain = 5 * time.Minute

// ask reads what Kong says of itself, unless that is known.
func (r *Reconciler) ask(ctx context.Context) error {
	if r.facts != nil && !r.facts.Partial {
		return r.askKinds(ctx)
	}
	path := "/"
	if r.options.Workspace != "" {
		path = "/kong" // "/" belongs to the default workspace
	}
	a, err := r.client.Do(ctx, admin.Request{Method: http.MethodGet, Path: path})
	if err != nil {
		return err
	}
	f, available, is := parseFacts(a.Body)
	if !is {
		return admin.Problem(v1.GatewayUnreachable, "what answers at "+r.client.Where()+" is not Kong's Admin API", "set --kong-admin-url to the address in Kong's admin_listen")
	}
	if err := r.suits(f); err != nil {
		return err
	}
	names, said := pluginNames(available)
	if !said {
		r.options.Log.Warn("kong does not say which plugins it has")
	}
	var known *schema.Catalog // a version's schemas are read once
	if r.last != nil && r.last.version == f.version {
		known = r.catalog()
	}
	if f.Catalog, err = schema.Read(ctx, r.client, r.rows, names, known, r.options.Concurrency); err != nil {
		return err
	}
	if r.last == nil || r.last.version != f.version || r.last.database != f.database {
		r.options.Log.Info("talking to kong", "url", r.client.Where(), "version", f.version, "database", f.database)
	}
	if r.facts == nil { // it was away: it may have come back as one that takes more
		clear(r.refused)
	}
	if known == nil {
		r.kindsAsked = time.Now()
	}
	r.facts, r.last = f, f
	if r.Verifies() {
		r.verifier.Learn(a.Body, !f.dbless(), f.Plugins[entity.ProofPlugin] != nil)
	}
	return nil
}

// askKinds asks again, from time to time, for the kinds that Kong did not know.
func (r *Reconciler) askKinds(ctx context.Context) error {
	if since(r.kindsAsked) < kindsAgain {
		return nil
	}
	more, err := r.facts.Again(ctx, r.client, r.rows, r.options.Concurrency)
	if err != nil {
		return err
	}
	r.kindsAsked = time.Now()
	if more { // what was refused may have been so for want of these
		clear(r.refused)
	}
	return nil
}

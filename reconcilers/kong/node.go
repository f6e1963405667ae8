package kong

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/admin"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/kong/jsonvalue"
)

// loadNode reads what a node without a database holds. When its hash is the one
// that we left there, nothing is read.
func (r *Reconciler) loadNode(ctx context.Context) error {
	hash, err := r.nodeHash(ctx)
	if err != nil {
		return err
	}
	if expected, _ := r.health.expected(); !r.stale && r.held != nil && hash == expected {
		r.mark.read = time.Now()
		return nil
	}
	r.stranger = ""
	lists := map[v1.Kind][]map[string]any{}
	if strings.Trim(hash, "0") != "" { // all zeros: the node is empty
		if lists, err = r.lists(ctx, nil); err != nil {
			return err
		}
		if r.stranger, err = r.strangers(ctx, lists); err != nil {
			return err
		}
	}
	if err := r.take(ctx, lists); err != nil {
		return err
	}
	if r.stranger == "" {
		for upstream, addresses := range r.guests {
			r.stranger = fmt.Sprintf("target %s of %s", addresses[0], strings.TrimPrefix(upstream, entity.OwnWords))
		}
	}
	r.knowBase()
	r.health.holds(hash)
	return nil
}

// nodeHash asks a node for the hash of what it holds; zeros for nothing.
func (r *Reconciler) nodeHash(ctx context.Context) (string, error) {
	a, err := r.client.Do(ctx, admin.Request{Method: http.MethodGet, Path: "/status"})
	if err != nil {
		return "", err
	}
	hash, _, err := configurationHash(a)
	if err == nil && hash == "" {
		err = admin.Problem(v1.GatewayUnreachable, "kong says that it has no database, but tells no configuration_hash", "use Kong 3.4 or newer")
	}
	return hash, err
}

// sameNode makes sure that the node still holds what it held.
func (r *Reconciler) sameNode(ctx context.Context) error {
	hash, err := r.nodeHash(ctx)
	if err != nil {
		return err
	}
	if expected, _ := r.health.expected(); hash != expected {
		r.stale = true
		return &moved{errors.New("another configuration was loaded, or the node was restarted")}
	}
	r.mark.read = time.Now()
	return nil
}

// strangers names one thing that the node holds and that is not ours; a push
// would remove it. "" when there is none.
func (r *Reconciler) strangers(ctx context.Context, lists map[v1.Kind][]map[string]any) (string, error) {
	for _, row := range r.rows {
		for _, body := range lists[row.Kind] {
			if !r.names.Ours(body) && !r.base.Has(row, body) && !r.there.Has(row, body) {
				return fmt.Sprintf("%s %v", row.Word(), cmp.Or(body[row.Unique], body["id"])), nil
			}
		}
	}
	for _, path := range wiped() {
		if r.base.Holds(path) || r.there.Holds(path) {
			continue
		}
		a, err := r.client.Do(ctx, admin.Request{Method: http.MethodGet, Path: "/" + path, Query: url.Values{"size": {"1"}}})
		if admin.IsStatus(err, http.StatusNotFound) {
			continue // this edition has no such thing
		}
		if err != nil {
			return "", err
		}
		page, err := jsonvalue.Object(a.Body)
		if err != nil {
			return "", fmt.Errorf("read kong's list of %s: %w", path, err)
		}
		if data, ok := page["data"].([]any); ok && len(data) > 0 {
			return "some " + path, nil
		}
	}
	return "", nil
}

// wiped are the lists of what we don't write but a push without a database
// would remove: a node that holds any of it is not ours alone.
func wiped() []string { return []string{"filter-chains"} }

package kong

import (
	"context"
	"net/http"
	"net/url"

	"golang.org/x/sync/errgroup"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/admin"
)

// lists reads all kinds but those that live within others, at once.
func (r *Reconciler) lists(ctx context.Context, query url.Values) (map[v1.Kind][]map[string]any, error) {
	results := make([][]map[string]any, len(r.rows))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(r.options.Concurrency)
	for i, row := range r.rows {
		if row.Within != "" || row.Path == "" || r.facts.Kinds[row.Kind] == nil {
			continue
		}
		group.Go(func() (err error) {
			results[i], err = r.client.List(ctx, "/"+row.Path, query)
			if admin.IsStatus(err, http.StatusNotFound) && row.Optional() {
				return nil // this edition has no such thing
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	lists := make(map[v1.Kind][]map[string]any, len(r.rows))
	for i, row := range r.rows {
		lists[row.Kind] = results[i]
	}
	return lists, nil
}

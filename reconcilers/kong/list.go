package kong

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/jsonvalue"
)

// pageSize is the most that Kong gives at once.
const pageSize = "1000"

// lists reads all kinds but those that live within others, at once.
func (r *Reconciler) lists(ctx context.Context, query url.Values) (map[v1.Kind][]map[string]any, error) {
	results := make([][]map[string]any, len(r.rows))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(r.options.Concurrency)
	for i, row := range r.rows {
		if row.within != "" || row.path == "" || r.facts.schemas[row.kind] == nil {
			continue
		}
		group.Go(func() (err error) {
			results[i], err = r.list(ctx, "/"+row.path, query)
			if isStatus(err, http.StatusNotFound) && compared()[row.kind] == nil {
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
		lists[row.kind] = results[i]
	}
	return lists, nil
}

// maxPages is how many pages a list may have; far more than any Kong holds.
const maxPages = 10_000

// list reads a list page by page.
func (r *Reconciler) list(ctx context.Context, path string, query url.Values) ([]map[string]any, error) {
	var all []map[string]any
	for offset, pages := "", 0; pages < maxPages; pages++ {
		q := url.Values{"size": {pageSize}}
		maps.Copy(q, query)
		if offset != "" {
			q.Set("offset", offset)
		}
		a, err := r.client.do(ctx, request{method: http.MethodGet, path: path, query: q})
		if err != nil {
			return nil, err
		}
		bodies, next, err := parsePage(a.body)
		if err != nil {
			return nil, fmt.Errorf("read kong's list %s: %w", path, err)
		}
		all = append(all, bodies...)
		switch next {
		case "":
			return all, nil
		case offset:
			return nil, fmt.Errorf("read kong's list %s: it leads back to the same page", path)
		}
		offset = next
	}
	return nil, fmt.Errorf("read kong's list %s: it has no end", path)
}

// parsePage takes one page of a list apart. An empty list may come as an object.
func parsePage(text []byte) (bodies []map[string]any, next string, err error) {
	page, err := jsonvalue.Object(text)
	if err != nil {
		return nil, "", err
	}
	listed, is := page["data"]
	if !is { // of a group, before Kong 3.5
		listed = page["consumers"]
	}
	data, ok := listed.([]any)
	if empty, isObject := listed.(map[string]any); !ok && (!isObject || len(empty) > 0) {
		return nil, "", errors.New("it has no data")
	}
	for _, element := range data {
		body, ok := element.(map[string]any)
		if !ok {
			return nil, "", fmt.Errorf("it holds %T", element)
		}
		if id, _ := body["id"].(string); uuid.Validate(id) != nil {
			return nil, "", fmt.Errorf("it holds an entity whose id is %.50q", id)
		}
		bodies = append(bodies, body)
	}
	next, _ = page["offset"].(string)
	return bodies, next, nil
}

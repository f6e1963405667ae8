package admin

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"

	"github.com/google/uuid"

	"github.com/lockstep/lockstep/reconcilers/kong/jsonvalue"
)

// pageSize is the most that Kong gives at once.
const pageSize = "1000"

// maxPages is how many pages a list may have; far more than any Kong holds.
const maxPages = 10_000

// List reads a list page by page, each entity with an id. The query goes along with
// each. A list that can't be believed is an error: it has no end, or what it holds are
// no entities.
func (c *Client) List(ctx context.Context, path string, query url.Values) ([]map[string]any, error) {
	var all []map[string]any
	for offset, pages := "", 0; pages < maxPages; pages++ {
		q := url.Values{"size": {pageSize}}
		maps.Copy(q, query)
		if offset != "" {
			q.Set("offset", offset)
		}
		a, err := c.Do(ctx, Request{Method: http.MethodGet, Path: path, Query: q})
		if err != nil {
			return nil, err
		}
		bodies, next, err := parsePage(a.Body)
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

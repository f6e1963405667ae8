package kong

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/admin"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
)

// rival returns the entity that holds what must be unique of one that is declared
// in Kong's own words. Kong does not say which that is; a value that is a secret
// may stand in no path, so all are read.
func (b *batch) rival(ctx context.Context, rec *entity.Record) (map[string]any, error) {
	if rec.Row.Within == "" && rec.Row.Kind != v1.KindPlugin && rec.Name() != "" {
		body, err := b.find(ctx, rec, rec.Name())
		if err != nil || body != nil && body["id"] != rec.ID {
			return body, err
		}
	}
	path := "/" + rec.Row.Path
	if rec.Row.Within != "" {
		path = rec.Path(b.rows)
	}
	all, err := b.client.List(ctx, path, nil)
	if admin.IsStatus(err, http.StatusNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, body := range all {
		if body["id"] == rec.ID {
			continue
		}
		for _, fields := range rec.Row.Apart {
			if rec.Equal(body, fields) {
				return body, nil
			}
		}
	}
	return nil, nil
}

// clash says who holds what an entity wants. It repeats no secret.
func clash(r *entity.Record, id string) string {
	if name := r.Name(); name != "" && !r.Declared {
		return fmt.Sprintf("%s %q is the name of another %s, which is not Lockstep's (id %s)", r.Row.Unique, name, r.Row.Word(), id)
	}
	var fields []string
	for _, set := range r.Row.Apart {
		fields = append(fields, strings.Join(set, ", "))
	}
	return fmt.Sprintf("another %s, which is not Lockstep's (id %s), has the same %s as %s", r.Row.Word(), id, strings.Join(fields, " or "), r.Title())
}

// harmless makes sure that nothing of a stranger's goes along when an entity is removed.
func (b *batch) harmless(ctx context.Context, rec *entity.Record) error {
	for _, child := range b.rows {
		for _, field := range child.Going {
			if child.Refs[field] != rec.Row.Kind || child.Within != "" || b.facts.Kinds[child.Kind] == nil {
				continue
			}
			path := child.Path
			if child.Below == rec.Row.Kind {
				path = child.Nested
			}
			if path == "" {
				continue // a consumer goes out of all groups, which stay
			}
			list, err := b.client.List(ctx, rec.Row.PathOf(b.rows, rec.Body)+"/"+rec.ID+"/"+path, nil)
			if admin.IsStatus(err, http.StatusNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			for _, body := range list {
				if !b.names.Ours(body) {
					return &conflict{
						message: fmt.Sprintf("the %s %s also has a %s that is not Lockstep's (id %v), which would go with it", rec.Row.Word(), rec.Title(), child.Word(), body["id"]),
						fix:     "remove that one",
					}
				}
			}
		}
	}
	return nil
}

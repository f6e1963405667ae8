package kong

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/admin"
)

// rival returns the entity that holds what must be unique of one that is declared
// in Kong's own words. Kong does not say which that is; a value that is a secret
// may stand in no path, so all are read.
func (b *batch) rival(ctx context.Context, rec *record) (map[string]any, error) {
	if rec.row.within == "" && rec.row.kind != kindPlugin && rec.name() != "" {
		body, err := b.find(ctx, rec, rec.name())
		if err != nil || body != nil && body["id"] != rec.id {
			return body, err
		}
	}
	path := "/" + rec.row.path
	if rec.row.within != "" {
		path = rec.path(b.rows)
	}
	all, err := b.client.List(ctx, path, nil)
	if admin.IsStatus(err, http.StatusNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, body := range all {
		if body["id"] == rec.id {
			continue
		}
		for _, fields := range rec.row.apart {
			if rec.equal(body, fields) {
				return body, nil
			}
		}
	}
	return nil, nil
}

// equal reports whether another entity has the same values in some fields, not all
// of which are empty.
func (r *record) equal(body map[string]any, fields []string) bool {
	any := false
	for _, field := range fields {
		mine, theirs := canonical(r.row, field, r.body[field]), canonical(r.row, field, body[field])
		if _, ref := r.row.refs[field]; ref {
			mine, theirs = reference(r.body, field), reference(body, field)
		}
		if mine != theirs {
			return false
		}
		any = any || mine != ""
	}
	return any
}

// claim notes what no other entity may have alike, and says who has it already: Kong
// would let only one of them be, in each round the other.
func (c *compiler) claim(e *v1.Entity, rec *record) *v1.Problem {
	if c.taken == nil { // what services became was there before
		c.taken = map[string]*v1.Entity{}
		for _, o := range c.state {
			if own, ok := o.Native.(*record); ok && !own.declared && own.row.parks {
				for _, at := range placesOf(c.rows, own.row, own.body) {
					c.taken[at.text] = &v1.Entity{Origin: o.Origin}
				}
			}
		}
	}
	for _, at := range placesOf(c.rows, rec.row, rec.body) {
		if other := c.taken[at.text]; other != nil {
			problem := problemAt(e, e.Origin, v1.Conflict,
				fmt.Sprintf("it has the same %s as the one at %s, and Kong takes one such %s", strings.Join(at.fields, ", "), other.Origin, rec.row.word()), "keep one of the two")
			return &problem
		}
		c.taken[at.text] = e
	}
	return nil
}

// place is what only one entity may have: the fields, and their values as text.
type place struct {
	fields []string
	text   string
}

// placesOf returns what no other entity may have as this one has it.
func placesOf(rows []*row, kind *row, body map[string]any) []place {
	var out []place
	for _, fields := range kind.apart {
		parts, set := []string{string(kind.kind), strings.Join(fields, ",")}, false
		if kind.within != "" {
			parts = append(parts, kind.pathOf(rows, body))
		}
		for _, field := range fields {
			value := canonical(kind, field, body[field])
			if _, ref := kind.refs[field]; ref {
				value = reference(body, field)
			}
			parts, set = append(parts, value), set || value != ""
		}
		if set {
			out = append(out, place{fields, strings.Join(parts, "\x00")})
		}
	}
	return out
}

// clash says who holds what an entity wants. It repeats no secret.
func (r *record) clash(id string) string {
	if name := r.name(); name != "" && !r.declared {
		return fmt.Sprintf("%s %q is the name of a %s that is not Lockstep's (id %s)", r.row.unique, name, r.row.word(), id)
	}
	var fields []string
	for _, set := range r.row.apart {
		fields = append(fields, strings.Join(set, ", "))
	}
	return fmt.Sprintf("a %s that is not Lockstep's (id %s) has the same %s as %s", r.row.word(), id, strings.Join(fields, " or "), r.title())
}

// harmless makes sure that nothing of a stranger's goes along when an entity is removed.
func (b *batch) harmless(ctx context.Context, rec *record) error {
	for _, child := range b.rows {
		for _, field := range child.going {
			if child.refs[field] != rec.row.kind || child.within != "" || b.facts.schemas[child.kind] == nil {
				continue
			}
			path := child.path
			if child.below == rec.row.kind {
				path = child.nested
			}
			if path == "" {
				continue // a consumer goes out of all groups, which stay
			}
			list, err := b.client.List(ctx, rec.row.pathOf(b.rows, rec.body)+"/"+rec.id+"/"+path, nil)
			if admin.IsStatus(err, http.StatusNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			for _, body := range list {
				if !b.names.ours(body) {
					return &conflict{
						message: fmt.Sprintf("the %s %s also has a %s that is not Lockstep's (id %v), which would go with it", rec.row.word(), rec.title(), child.word(), body["id"]),
						fix:     "remove that one",
					}
				}
			}
		}
	}
	return nil
}

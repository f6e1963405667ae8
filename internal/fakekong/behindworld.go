package fakekong

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/google/uuid"
)

// read returns what was made through here, by kind; of a Kong without a database, all.
func (b *behind) read(lib *library, all bool) (*store, error) {
	s := newStore()
	for _, kd := range kinds {
		if !lib.has(kd) {
			continue
		}
		for _, at := range places(kd, s) {
			rows, err := b.list(at.path)
			if err != nil {
				return nil, err
			}
			for _, row := range rows {
				if at.group != "" {
					row = joint(at.group, text(row["id"]))
				}
				if !all && !b.has(kd, row) {
					continue
				}
				if kd.name == "certificates" {
					delete(row, "snis") // they are entities
				}
				s.put(lib, kd, row)
			}
		}
	}
	return s, nil
}

// place is one of the lists of a kind. group is the id of the consumer group that a list
// of consumers is of.
type place struct{ path, group string }

// places are the lists of a kind: of targets and members there is one below each that has some.
func places(kd *kind, s *store) (out []place) {
	switch {
	case kd.path != "":
		return []place{{path: "/" + kd.path}}
	case kd.joins:
		for _, group := range s.list(kindOf("consumer_groups")) {
			out = append(out, place{"/consumer_groups/" + group.id() + "/consumers", group.id()})
		}
	default:
		for _, upstream := range s.list(kindOf("upstreams")) {
			out = append(out, place{path: "/upstreams/" + upstream.id() + "/targets"})
		}
	}
	return out
}

// joint is a consumer in a group as the stand-in has it, with an id of its own.
func joint(group, consumer string) map[string]any {
	return object{
		"id":             uuid.NewSHA1(uuid.Nil, []byte(group+consumer)).String(),
		"consumer_group": object{"id": group}, "consumer": object{"id": consumer},
	}
}

// has reports whether an entity was made through here; the names of a certificate are
// made along with it, and whoever is in a group goes with that.
func (b *behind) has(kd *kind, row map[string]any) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.made[text(row["id"])] || kd.name == "snis" && b.made[refID(row["certificate"])] || kd.joins && b.made[refID(row["consumer_group"])]
}

// list reads a list to its end; one that this edition has not is empty.
func (b *behind) list(path string) ([]map[string]any, error) {
	var all []map[string]any
	for offset := ""; ; {
		a, err := b.ask(context.Background(), http.MethodGet, path+"?size=1000"+offset, nil, nil)
		if err != nil {
			return nil, err
		}
		if a.status == http.StatusNotFound {
			return all, nil
		}
		var page struct {
			Data   json.RawMessage `json:"data"`
			Offset string          `json:"offset"`
		}
		if err := json.Unmarshal(a.raw, &page); err != nil || a.status != http.StatusOK {
			return nil, fmt.Errorf("GET %s: status %d: %.200s", path, a.status, a.raw)
		}
		var rows []map[string]any
		if string(page.Data) != "{}" {
			if err := json.Unmarshal(page.Data, &rows); err != nil {
				return nil, fmt.Errorf("GET %s: %w", path, err)
			}
		}
		if all = append(all, rows...); page.Offset == "" {
			return all, nil
		}
		offset = "&offset=" + url.QueryEscape(page.Offset)
	}
}

// clear removes what was made through here, children first.
func (b *behind) clear(lib *library, mode Mode) error {
	if mode == DBLess {
		a, err := b.ask(context.Background(), http.MethodPost, "/config", http.Header{"Content-Type": {"application/json"}}, []byte(`{"_format_version":"3.0"}`))
		if err == nil && a.status >= 300 {
			err = fmt.Errorf("POST /config: status %d: %.200s", a.status, a.raw)
		}
		return err
	}
	s, err := b.read(lib, false)
	if err != nil {
		return err
	}
	var problems []error
	for _, kd := range slices.Backward(kinds) {
		if kd.joins { // it goes with what it joins
			continue
		}
		for _, e := range s.list(kd) {
			path := "/" + kd.path + "/" + e.id()
			if kd.name == "targets" {
				path = "/upstreams/" + e.ref("upstream") + "/targets/" + e.id()
			}
			a, err := b.ask(context.Background(), http.MethodDelete, path, nil, nil)
			if err == nil && a.status >= 300 && a.status != http.StatusNotFound {
				err = fmt.Errorf("DELETE %s: status %d: %.200s", path, a.status, a.raw)
			}
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

package fakekong

import (
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

// call is one request to the Admin API, taken apart.
type call struct {
	method string
	path   []string // the segments, unescaped
	query  url.Values
	raw    []byte // the body
	media  string // its content type, without parameters
	body   map[string]any
}

// serve answers a request to the Admin API. It is the table of contents of the API.
// Once the gateway has gone down nothing is done any more, and the answer is nil.
func (k *Kong) serve(r *http.Request, raw []byte, down <-chan struct{}) *answer {
	c := &call{method: r.Method, query: r.URL.Query(), raw: raw}
	c.media, _, _ = mime.ParseMediaType(r.Header.Get("Content-Type"))
	for s := range strings.SplitSeq(strings.Trim(r.URL.EscapedPath(), "/"), "/") {
		seg, err := url.PathUnescape(s)
		if err != nil {
			return notFound()
		}
		c.path = append(c.path, seg)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if closed(down) {
		return nil
	}
	within, named := k.workspace(c)
	defer k.store.look(within)()
	switch c.path[0] {
	case "kong": // what "/" is, within a workspace
		if named {
			return c.get(k.root)
		}
	case "":
		return c.get(k.root)
	case "status":
		return c.get(k.status)
	case "config":
		return k.config(c)
	case "schemas":
		return k.schemas(c)
	case "tags":
		return c.get(func() *answer { return k.tags(c) })
	case "plugins":
		if len(c.path) == 2 && c.path[1] == "enabled" {
			return ok(object{"enabled_plugins": k.lib.enabled()})
		}
	}
	kd := find(func(kd *kind) bool { return kd.path == c.path[0] })
	if !k.lib.has(kd) {
		return notFound()
	}
	switch len(c.path) {
	case 1:
		return k.collection(c, kd, nil)
	case 2:
		return k.single(c, kd, c.path[1], nil)
	}
	return k.below(c, kd)
}

// below answers /parents/p/… : children of p, what p refers to, and the extras of upstreams.
func (k *Kong) below(c *call, kd *kind) *answer {
	e := k.store.lookup(k.lib, kd, c.path[1])
	if e == nil {
		return notFound()
	}
	name, rest := c.path[2], c.path[3:]
	if to := k.lib.foreign(kd)[name]; to != "" && len(rest) == 0 {
		other := k.store.get(kindOf(to), e.ref(name))
		if other == nil {
			return notFound()
		}
		return k.single(c, other.kind, other.id(), nil)
	}
	if kd.name == "consumer_groups" && name == "consumers" {
		return k.members(c, e, rest)
	}
	if kd.name == "upstreams" {
		if a := k.upstreamExtra(c, e, name, rest); a != nil {
			return a
		}
	}
	for _, r := range k.lib.references(kd.name) {
		if r.kind.nested != name {
			continue
		}
		in := &parent{e, r.field}
		switch len(rest) {
		case 0:
			return k.collection(c, r.kind, in)
		case 1:
			return k.single(c, r.kind, rest[0], in)
		}
	}
	return notFound()
}

// url is the path of the request, as it leads to the next page.
func (c *call) url() string { return "/" + strings.Join(c.path, "/") }

// parent narrows a collection to the children of one entity.
type parent struct {
	entity *entity
	field  string // of the child
}

// has reports whether an entity is a child; without a parent all are.
func (p *parent) has(e *entity) bool { return p == nil || e.ref(p.field) == p.entity.id() }

// collection answers /entities: a listing, or a new entity.
func (k *Kong) collection(c *call, kd *kind, in *parent) *answer {
	switch c.method {
	case http.MethodGet, http.MethodHead:
		rows := k.store.below(kd, in)
		path := c.url()
		if kd.name == "targets" {
			bySeq(rows)
			return k.pageTargets(rows, path, c.query)
		}
		return k.page(rows, path, c.query)
	case http.MethodPost:
		if a := c.parse(k, kd); a != nil {
			return a
		}
		if in != nil {
			c.body[in.field] = map[string]any{"id": in.entity.id()}
		}
		if k.mode == DBLess {
			if _, bad := k.draft(kd, c.body, nil); bad != nil {
				return schemaViolation(bad)
			}
			return unsupported("cannot create '" + kd.name + "' entities")
		}
		return k.insert(kd, c.body)
	}
	return c.other("GET, HEAD, OPTIONS, POST")
}

// single answers /entities/key.
func (k *Kong) single(c *call, kd *kind, key string, in *parent) *answer {
	e := k.store.lookup(k.lib, kd, key)
	if in != nil && (e == nil || !in.has(e)) {
		e = k.child(kd, key, in)
	}
	by := ""
	if !isUUID(key) {
		by = " by '" + kd.key + "'"
	}
	switch c.method {
	case http.MethodGet, http.MethodHead:
		if e == nil {
			return notFound()
		}
		if kd.name == "consumer_groups" {
			return ok(k.group(e))
		}
		return ok(k.view(e))
	case http.MethodDelete:
		switch {
		case e == nil && (in != nil || kd.name == "targets"): // below what it is not in, it is not
			return notFound()
		case e == nil:
			return noContent()
		case k.mode == DBLess:
			return unsupported("cannot delete '" + kd.name + "' entities" + by)
		}
		if a := k.erase(e); a != nil {
			return a
		}
		return noContent()
	case http.MethodPatch, http.MethodPut:
		if a := c.parse(k, kd); a != nil {
			return a
		}
		return k.change(c, kd, key, e, in, by)
	}
	return c.other("DELETE, GET, HEAD, OPTIONS, PATCH, PUT")
}

// change answers PATCH and PUT. Targets know no replacing: both change what is there.
func (k *Kong) change(c *call, kd *kind, key string, e *entity, in *parent, by string) *answer {
	patch := c.method == http.MethodPatch || kd.name == "targets"
	switch {
	case e == nil && kd.name == "targets":
		return notFound()
	case e == nil && patch:
		field := "id"
		if by != "" {
			field = kd.key
		}
		return entityMissing(object{field: key})
	case k.mode == DBLess && patch:
		return unsupported("cannot update '" + kd.name + "' entities" + by)
	case k.mode == DBLess:
		return unsupported("cannot create or update '" + kd.name + "' entities" + by)
	}
	if in != nil {
		c.body[in.field] = map[string]any{"id": in.entity.id()}
	}
	if patch {
		return k.update(e, c.body)
	}
	return k.upsert(kd, key, c.body)
}

// child finds a child by its key among those of one parent, where keys are only unique there.
func (k *Kong) child(kd *kind, key string, in *parent) *entity {
	for _, e := range k.store.below(kd, in) {
		if kd.key != "" && e.fields[kd.key] == key {
			return e
		}
	}
	return nil
}

// get serves a path that can only be read.
func (c *call) get(f func() *answer) *answer {
	if c.method == http.MethodGet || c.method == http.MethodHead {
		return f()
	}
	return c.other("GET, HEAD, OPTIONS")
}

// other answers the methods that a path doesn't know, and OPTIONS.
func (c *call) other(allow string) *answer {
	h := http.Header{"Allow": {allow}}
	if c.method == http.MethodOptions {
		return &answer{status: http.StatusNoContent, header: h}
	}
	a := say(http.StatusMethodNotAllowed, "Method not allowed")
	a.header = h
	return a
}

// parse reads the body as JSON or as a form.
func (c *call) parse(k *Kong, kd *kind) *answer {
	c.body = map[string]any{}
	switch {
	case c.media == "application/x-www-form-urlencoded":
		form, err := url.ParseQuery(string(c.raw))
		if err != nil {
			return say(http.StatusBadRequest, "Cannot parse form body")
		}
		readForm(form, k.lib.entities[kd.name], c.body)
	case len(c.raw) > 0:
		if err := json.Unmarshal(c.raw, &c.body); err != nil || c.body == nil {
			return say(http.StatusBadRequest, "Cannot parse JSON body")
		}
	}
	return nil
}

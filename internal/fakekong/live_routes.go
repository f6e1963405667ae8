package fakekong

import (
	"sync"
	"time"

	"github.com/lockstep/lockstep/reconcilers/routing"
)

// liveRoutes is the table of routes that the proxy goes by. It follows the entities
// at once, or after a delay.
type liveRoutes struct {
	delay time.Duration

	mu      sync.Mutex
	table   *routing.Table
	stale   func() view // makes the table anew; nil: it is up to date
	views   view
	pending map[*time.Timer]bool
}

// view is what the proxy needs of routes and services.
type view struct {
	routes   []routing.Route
	services map[string]*entity // by the route's id
}

// set tells that routes or services have changed. make is called when the table is
// needed next, or now where the change waits: it then shows what was at this moment.
func (r *liveRoutes) set(make func() view) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.delay <= 0 {
		r.stale = make
		return
	}
	now := make()
	var t *time.Timer
	t = time.AfterFunc(r.delay, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.pending[t] {
			delete(r.pending, t)
			r.stale = func() view { return now }
		}
	})
	if r.pending == nil {
		r.pending = map[*time.Timer]bool{}
	}
	r.pending[t] = true
}

// reset lets a view count at once, whatever waits.
func (r *liveRoutes) reset(v view) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop()
	r.stale = func() view { return v }
}

// stop ends what waits.
func (r *liveRoutes) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop()
}

func (r *liveRoutes) drop() {
	for t := range r.pending {
		t.Stop()
	}
	clear(r.pending)
}

// decide asks the table, and returns the service of the route that won; nil: none.
// The caller holds the lock of the node.
func (r *liveRoutes) decide(q routing.Request) (routing.Decision, *entity) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stale != nil {
		r.views, r.stale = r.stale(), nil
		// Regular expressions were checked when the routes were written.
		r.table, _ = routing.New(r.views.routes)
	}
	if r.table == nil {
		r.table, _ = routing.New(nil)
	}
	d := r.table.Decide(q)
	if d.Route == nil {
		return d, nil
	}
	return d, r.views.services[d.Route.ID]
}

// routes makes the view of all routes with their services. The caller holds the lock.
func (k *Kong) routes() view {
	v := view{services: map[string]*entity{}}
	for _, e := range k.store.list(kindOf("routes")) {
		service := k.store.get(kindOf("services"), e.ref("service"))
		if service != nil && service.fields["enabled"] == false {
			continue
		}
		r := routing.Route{
			ID: e.id(), Name: text(e.fields["name"]), Protocols: words(e.fields["protocols"]), Methods: words(e.fields["methods"]),
			Hosts: words(e.fields["hosts"]), Paths: words(e.fields["paths"]), SNIs: words(e.fields["snis"]),
			StripPath: e.fields["strip_path"] == true, PreserveHost: e.fields["preserve_host"] == true,
			RegexPriority: number(e.fields["regex_priority"]), Redirect: number(e.fields["https_redirect_status_code"]),
		}
		if headers, ok := e.fields["headers"].(map[string]any); ok {
			r.Headers = map[string][]string{}
			for name, values := range headers {
				r.Headers[name] = words(values)
			}
		}
		if service != nil {
			r.ServicePath = text(service.fields["path"])
			v.services[r.ID] = service
		}
		v.routes = append(v.routes, r)
	}
	return v
}

func words(v any) []string {
	l, _ := v.([]any)
	var out []string
	for _, e := range l {
		out = append(out, text(e))
	}
	return out
}

func number(v any) int {
	n, _ := v.(float64)
	return int(n)
}

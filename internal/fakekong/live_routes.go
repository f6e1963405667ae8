package fakekong

import (
	"slices"
	"sync"

	"github.com/lockstep/lockstep/reconcilers/routing"
)

// view is what the proxy needs of routes and services.
type view struct {
	list     []routing.Route
	routes   map[string]*entity // by id
	services map[string]*entity // by the route's id
	once     sync.Once
	table    *routing.Table // of list; made when it is needed first
}

// decide asks the table, and returns the route that won with its service; nil: none.
func (v *view) decide(q routing.Request) (d routing.Decision, route, service *entity) {
	if v == nil {
		v = &view{}
	}
	// Regular expressions were checked when the routes were written.
	v.once.Do(func() { v.table, _ = routing.New(v.list) })
	d = v.table.Decide(q)
	if d.Route == nil {
		return d, nil, nil
	}
	return d, v.routes[d.Route.ID], v.services[d.Route.ID]
}

// routes makes the view of all routes with their services. The caller holds the lock.
func (k *Kong) routes() *view {
	defer k.store.look(everywhere)()
	v := &view{routes: map[string]*entity{}, services: map[string]*entity{}}
	for _, e := range k.store.list(kindOf("routes")) {
		service := k.store.get(kindOf("services"), e.ref("service"))
		if service != nil && service.fields["enabled"] == false || passesOn(e) {
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
		v.routes[r.ID] = e
		v.list = append(v.list, r)
	}
	return v
}

// passesOn reports whether a route is one of connections, of which this proxy takes none.
func passesOn(route *entity) bool {
	return slices.ContainsFunc(words(route.fields["protocols"]), func(p string) bool { return slices.Contains([]string{"tcp", "tls", "tls_passthrough", "udp"}, p) })
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

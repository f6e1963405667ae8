// Package fakekong stands in for Kong Gateway in tests and in the demo, and nowhere else.
//
// In goes what a client of Kong sends: Admin API requests, with a database or
// without one, and proxied requests. Out comes what Kong 3.9 answers to them:
// status, error code, name and fields, filled-in defaults, the route that wins
// and the path and host that an upstream gets. It is as strict as the real one,
// so that code which passes here has been refused what Kong would refuse.
//
//	k, err := fakekong.New(fakekong.Options{})
//	defer k.Close()
//	client.Use(k.AdminURL)          // the Admin API
//	http.Get(k.ProxyURL + "/shop")  // the proxy
//
// With Options.AdminOf it stands before a real Kong, whose answers these are then: what
// tests need besides is there for both alike (behind.go).
//
// Beside the product's own answers it offers what tests need:
//
//   - Requests and Writes tell what was asked; World renders everything that is
//     held as one canonical text, to compare whole worlds.
//   - Hook and FailNext inject faults: a status, a delay, an answer that never
//     comes, a connection cut before or after the request took effect.
//   - Stop, Start and Restart take the gateway down and bring it back on the same addresses.
//   - Options.RouteDelay and PluginDelay let changes of routes and plugins take effect late,
//     as Kong's worker_state_update_frequency does. Targets take effect at once, as in Kong.
//
// The parts, in the order of a request:
//
//	kong.go, front.go            one gateway; its listeners
//	behind.go, behindworld.go    a real Kong in its place: its Admin API, what was made there,
//	passage.go                   and its proxy
//	fault.go, journal.go         what goes wrong on purpose; the log of requests
//	admin.go, list.go, info.go   the Admin API: its paths, listings, and the rest
//	draft.go, write.go           one entity: completed and judged, then written
//	declare.go, declaration.go   a whole configuration: POST /config
//	group.go                     consumer groups, of an edition that has them
//	workspace.go                 workspaces, likewise
//	kind.go, store.go            the kinds of entities and how they refer to each other; the rows
//	library.go, builtin.yaml     the schemas
//	schema/                      Kong's schema language: defaults and validation
//	rule.go, rule_route.go       what Kong checks beyond its schemas
//	proxy.go, retry.go           the proxy, over the rows
//	secured.go                   how it speaks TLS with upstreams
//	delayed.go, live_routes.go,  its table of routes, which may follow late
//	balancer.go                  (reconcilers/routing decides which wins); its rounds of targets
//	termination.go               the one plugin that it runs
//
// Options.Stream says which ports of stream_listen GET / reports. Routes of connections are
// judged and held as all others, but nothing listens at these ports: the proxy carries HTTP.
//
// Validation is driven by schemas in Kong's own format. The package carries those
// that Lockstep needs; Options.Schemas adds others, for instance all of a real Kong's.
package fakekong

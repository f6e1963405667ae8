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
// Beside the product's own answers it offers what tests need:
//
//   - Requests and Writes tell what was asked; World renders everything that is
//     held as one canonical text, to compare whole worlds.
//   - Hook and FailNext inject faults: a status, a delay, an answer that never
//     comes, a connection cut before or after the request took effect.
//   - Stop, Start and Restart take the gateway down and bring it back on the same addresses.
//   - Options.RouteDelay lets changes of routes take effect late, as Kong's
//     worker_state_update_frequency does. Targets take effect at once, as in Kong.
//
// The parts, in the order of a request:
//
//	kong.go, fault.go, journal.go   listeners, faults, the log of requests
//	admin.go, crud.go, declare.go   the Admin API: endpoints, rows, POST /config
//	schema/                         Kong's schema language: defaults and validation
//	store.go, relation.go           the rows and what they refer to
//	proxy.go, balancer.go           the proxy, over the rows
//	router/                         which route wins and what the upstream gets
//
// Validation is driven by schemas in Kong's own format. The package carries those
// that Lockstep needs; Options.Schemas adds others, for instance all of a real Kong's.
package fakekong

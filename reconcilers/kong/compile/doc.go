// Package compile translates desired services, and what manifests declare beside them, to
// Kong's entities. It asks nobody and changes nothing.
//
// In: a v1.Set and a v1.Shared, and what is known of the Kong they are for (Input). Out: a
// plan.State, each object of which has its *entity.Record, and problems.
//
// Each service becomes an upstream with a target for each endpoint, a service whose host is
// that upstream, its routes, and the plugins of both. One service and one upstream belong to
// none: held routes point there and answer 503, and the upstream's tags name the daemon that
// writes (the writer's mark).
//
//	compile.go                    the order of it all
//	service.go, route.go          services → go-kong's types → records
//	balancing.go, healthcheck.go  which instance gets a request, and which one none
//	secure.go, authority.go       TLS and gRPC towards instances, and who must have issued their certificates
//	hop.go                        TLS towards HAProxy, where that stands in between
//	stream.go                     connections: tcp and tls_passthrough
//	plugin.go                     plugins that labels ask for
//	declared.go, spell.go         entities in Kong's own words, in those that Kong keeps
//	reference.go                  the keys of these, and what their references mean
//	claim.go                      what no two of them may have alike
//	declaredneeds.go              which plugins their routes need
//	everywhere.go                 which all routes need, as they are for everything
//	certificate.go                certificates of manifests in Kong's words
//	proof.go                      the route that proves what Kong's workers serve
package compile

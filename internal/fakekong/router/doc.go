// Package router decides which route takes a request, as Kong 3.9 does with its
// router "traditional_compatible". It is the executable specification of what a
// route means: a gateway that renders the same routes must decide alike. It is
// for tests and the demo only.
//
// In go routes in Kong's terms and a request; out comes a Decision: the route that
// wins and the path that the upstream gets, or the status that the gateway answers
// itself. The package does no I/O and holds no state.
//
// How a route is chosen:
//
//  1. A route matches when each of its categories does: methods, hosts, headers,
//     paths, snis. A category that is left out takes everything.
//  2. The paths of a route count one by one: as if there were a route for each length
//     of plain paths and one for all regular expressions.
//  3. Among those that match wins, in this order: more categories; more headers; only
//     plain hosts before wildcards or none; a regular expression before plain paths;
//     the higher regex_priority, among regular expressions; the longest path; the greater id.
//
// Surprises that follow: a plain path is a prefix by characters, so "/api" takes
// "/apix"; hosts are compared letter by letter, with no regard for the port of the
// Host header; a route with a path may beat one that has only a wildcard host.
package router

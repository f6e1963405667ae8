// Package proof finds out what Kong's workers serve. They take up what the Admin API
// accepted some time later, each for itself.
//
// The proof is a route of Lockstep's own that leads to no container. Kong itself answers
// there, by a plugin, with what the worker that answers knows: of the route, as its router
// has it, a tag, and of the plugin, as its list of plugins has it, a message. Both hold the
// token of all that Kong held when they were last written, which was after everything else.
// Workers take up all routes as a whole, and all plugins, so a worker that answers with a
// token serves what had it.
//
// The route's match never changes, and no route of others comes before it: it matches by
// as much as Kong can match by. So a request for the proof reaches nobody's container.
//
// In: the token of what Kong accepted (Tally, Verifier.Accept), and requests to its proxy
// (Verifier.Run). Out: the newest generation that every worker serves, or why that can't
// be told. The route and its plugin are written elsewhere.
package proof

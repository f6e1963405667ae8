// Package frontend writes HAProxy's sections that are no service's: where requests and connections come in, what
// they are told and asked, and how they get from there to the backends of services.
//
// In: Options, what the operator and Listeners want and what the user's own files say. Out: the base, a text
// that follows from the Options alone, and an Opening for each Listener that goes into it; together with the
// generation they are the one file. And back: the base and the openings that a file holds, and what sections
// that a process has loaded can do. None of it depends on services: their routes stand in the maps
// (routemap), whose rules are written in here.
//
//	base.go         the order of it all; the defaults and the one HTTP frontend
//	options.go      what is asked for
//	opening.go      the addresses of Listeners: put into the base, and taken out again
//	parse.go        the file ↔ the base and its openings
//	demands.go      requests that came without TLS and must not
//	client.go       clients that must prove themselves, also over a worker that was replaced
//	forwarded.go    who sent a request or connection, and which proxies are believed
//	accesslog.go    the access log as JSON, of requests and of connections
//	streams.go      ports for connections; passthrough.go TLS that is passed on by name
//	via.go          the ports at which Kong reaches services, and the keys that only the two have
//	gate.go         the frontend once more, for the user's frontends and for workers that were replaced
package frontend

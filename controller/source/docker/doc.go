// Package docker turns a Docker Engine into snapshot.Instance values. It is the
// only importer of the Docker SDK and sends nothing but reads (port.go lists
// the calls, docs/docker-socket.md the requests they become).
//
// # How it watches
//
//	step        what happens                                        where
//	subscribe   GET /events first, so that nothing falls between    session.go
//	list        one GET /containers/json, after every reconnect     load.go
//	            and at a slow pace, builds instances by itself
//	event       marks a container dirty; die and destroy remove it  event.go
//	inspect     dirty containers only, at once, a few at a time     inspect.go
//	world       compares with what was told, pokes when it differs  world.go
//
// An event is a hint to look again and never the proof: what is published
// comes from a list or an inspection, and a container that an event touched
// around the time of a list is inspected rather than believed from the list
// (the Engine lists from a copy that it updates a little after the event).
//
// The first delta is Full and comes when a whole list, the inspections that it
// needs and the gateways' networks are all there. Strangers, which don't bear the
// label, are inspected last and hold nothing up: until then they are Partial, and
// whoever needs one waits for that one. Every later delta holds only
// differences, also after a reconnect: a relist that finds nothing new is an
// empty delta.
package docker

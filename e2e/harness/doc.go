// Package harness sets the stage for end-to-end stories: a real Docker Engine,
// the real lockstep binary with the HAProxy that it starts, and a Kong, either
// the stand-in or the real one at KONG_ADMIN_URL. The scripts in e2e/testdata
// and the benchmark both play on it.
//
// A World is one story's own: its containers, label prefix, owner, state
// directory and ports are shared with no other, so that stories run side by
// side. Close leaves nothing behind, whatever happened.
//
//	world.go    what belongs to one story, and its end
//	daemon.go   lockstep run: up, stop, SIGKILL, its status
//	haproxy.go  the HAProxy that Lockstep started: its processes and files
//	kong.go     the Kong of the story
//	ask.go      requests through the gateways
//	traffic.go  requests that go on while something happens, at a gentle pace
//	load.go     the same without a pause, over connections that are kept
//	call.go     connections that are kept, to ports and to names over TLS
//	tap.go      listens in on HAProxy's sockets
package harness

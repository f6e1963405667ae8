// Package sampleapp is the small HTTP service that tests and the demo put into
// containers. It needs nothing from its image: the binary alone, FROM scratch.
//
// Every path answers 200 and says which instance answered, in the header
// X-Instance and in the body. Environment variables set it up:
//
//	INSTANCE   what it calls itself; default: the host name
//	PORTS      TCP ports to listen on, comma-separated; default: 8080
//	ECHO, ECHO_TLS
//	           more ports, of which each connection is told the instance's name and
//	           then what it says itself; over TLS with a certificate for that name
//	ON_TERM    what SIGTERM does: "finish" what has begun and exit (default),
//	           "exit" at once, "drain": go on until nothing has come for a
//	           second and then finish, or be "ignore"d
//	HEALTH     "bad" starts it unhealthy; default: "ok"
//	TLS_CERTIFICATE, TLS_KEY
//	           in PEM: all ports speak TLS by these; default: no TLS
//
// SIGHUP is counted and otherwise ignored, as by a server that reloads. Under
// /-/health it answers 200 or 503, and a PUT of "ok" or "bad" chooses which. As
// its own HEALTHCHECK, "probe" asks that path.
package sampleapp

// Package compile translates desired services to the objects by which HAProxy serves them, and native sections
// to HAProxy's text. It asks nobody and changes nothing.
//
// In: services, and what is known of the HAProxy that they are for and of what the operator allows (Input).
// Out: objects, which know the backends, servers and routes that they stand for, and problems: whatever HAProxy can't
// express, or must not be asked for, is left out and named, with the remedy. Nothing of a stranger's gets
// past here that a file or socket could take for more than a word.
//
//	compile.go   a service → its backends, in either of two forms, and their servers
//	route.go     a route of requests, or why there can be none
//	stream.go    a route of connections: by port, or by the name that TLS clients ask for
//	upstream.go  how a service's instances are to be spoken to, and by whom they must be vouched for
//	section.go   a native section of a manifest → its text, or all that is wrong with it
//	via.go       the way from Kong to a service behind it
package compile

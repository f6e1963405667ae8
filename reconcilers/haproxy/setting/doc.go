// Package setting says how HAProxy treats a backend, whichever servers are in it: timeouts,
// retries, balancing, stickiness, checks, and what is spoken with servers.
//
// In: what a service asks for (api/v1). Out: the lines of the backend's section, and what each
// of its servers bears; and the same as a comment, from which it is read back. All of it takes
// a reload, and is compared as a whole.
//
//	settings.go  all that a backend asks for, translated, written and read back
//	balance.go   which server takes a request
//	check.go     how HAProxy finds out whether a server is well
//	upstream.go  what is spoken with servers: TLS, HTTP/2
package setting

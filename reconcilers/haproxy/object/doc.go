// Package object says what a plan knows of each thing that HAProxy holds of ours, whether that was found or is asked
// for: its key, its level, what people call it, and the fields that are compared.
//
// In: a backend, server or route of config and routemap, a Listener's addresses and hosts, a native section, a
// certificate. Out: a plan.Object with the thing itself as its Native. What belongs to the process alone is the reconciler's
// own business.
//
//	kinds.go    kinds and levels
//	service.go  what is a service's: backends, servers, routes
//	shared.go   what is no service's: certificates, Listeners, native sections
package object

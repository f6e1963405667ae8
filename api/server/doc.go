// Package server is the HTTP surface: health, readiness, metrics, status, plan,
// history and explanations to read, and on a separate handler the few things that a
// command may change.
//
// In: small reader functions. Out: http.Handlers. The read-only handler may be
// bound to TCP; the control handler belongs on a unix socket that only the
// operator can open.
package server

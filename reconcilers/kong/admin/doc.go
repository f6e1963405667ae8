// Package admin asks Kong's Admin API, patiently.
//
// In: a request. Out: Kong's whole answer, or one of two errors: a Refusal, in Kong's
// words and without secrets, or that nobody could be reached (Unreachable).
//
// A request is tried again when it got no answer, 5xx or 429: after a pause that grows,
// or as long as Kong asks for (Retry-After), and at the next node of a cluster when one
// does not answer. Lists are read to their end, page by page.
package admin

// Package v1 holds the nouns that every stage of Lockstep shares: Service,
// Route, Endpoint, Key, Origin, Problem and Set, and the one table of fields
// (fields.go) from which labels are decoded, defaults filled in, mistakes
// explained and the reference page made.
//
// In: the labels of one container. Out: a Declaration, or Problems that name
// the container, the label and the remedy. The package does no I/O and imports
// nothing of Lockstep.
package v1

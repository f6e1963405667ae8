// Package declaration writes all that a Kong without a database is to hold as one text, and
// finds out what of it Kong does not take.
//
// In: a state whose objects have their *entity.Record, and the user's own declarative file
// (Base, and File, which follows it). Out: Kong's declarative configuration (Render); and
// from Kong's answer to one that it refuses, which objects it names (Blame).
package declaration

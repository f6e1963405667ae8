// Package schema reads how Kong itself describes what it takes, and answers from that.
//
// In: Kong's answers to GET /schemas (Read). Out: a Catalog of what one Kong knows,
// and from it, of an entity or the configuration of a plugin: a label's text as the value
// that Kong wants (Place), what is wrong with it in Kong's words (Judge, Lacking), what of
// it is not Kong's default (Others, Configured, Declared), and which of it is secret.
//
// No default of Kong's is written down here: an older or newer Kong says its own.
package schema

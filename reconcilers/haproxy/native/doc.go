// Package native writes sections of HAProxy that a manifest says in the words of
// client-native's models, with their lists (servers, binds, rules) inside them.
//
// In: the body of a section, as JSON has it. Out: HAProxy's text of it, which is one
// section and nothing else; or which field is unknown or holds what can't be. The models
// go no further than this package.
package native

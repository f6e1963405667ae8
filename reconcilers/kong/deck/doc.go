// Package deck writes Kong's entities as a decK file.
//
// In: a state whose objects have their *entity.Record, and what Kong says of its fields.
// Out: the file, in which no secret stands and no text of a stranger is a variable.
package deck

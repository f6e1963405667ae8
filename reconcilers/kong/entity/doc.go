// Package entity knows the entities of Kong: services, routes, upstreams, targets, plugins
// and whatever else can be declared.
//
// In: one table, with a row for each kind (Table). Out: for each entity its place in the
// Admin API, in a plan and in the order of writing (Record), its name, id and tags
// (Namer), and the text by which it is compared (Canonical). Nothing here asks Kong.
//
// What is desired and what Kong holds are both Records. That is what the other packages of
// the adapter hand to each other.
package entity

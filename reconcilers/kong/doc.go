// Package kong keeps a Kong Gateway equal to the desired services.
//
// In: the desired services, through the calls of reconcilers.Reconciler. Out:
// Admin API requests, and what became of them. It and the packages below it are the
// only importers of go-kong.
//
//	stage    files and packages           what happens
//	compile  compile                      services → records
//	         authority.go                 who must have issued the certificates of instances
//	render   renderdeck.go                the same as a decK file
//	observe  facts.go                     what Kong says of itself
//	         list.go, observe.go          read what is ours, less Kong's defaults
//	apply    apply.go, write.go, mark.go  with a database: level by level, in parallel
//	         protect.go                   no route is open without its plugins
//	         rival.go                     who holds what must be unique
//	         node.go, draft.go, push.go,  without one: the whole configuration as text,
//	         declare.go, base.go          less what Kong refuses, with the user's own
//	         basefile.go                  that file, as it is followed
//	         nodes.go, nodesapply.go      several nodes without one, each for itself
//	         witness.go                   what others changed, and must not stay changed
//	adopt    holders.go, adopt.go         what others hold in our places, and making it ours
//	         adoptnode.go, release.go     letting go what a node without one holds; giving back
//	verify   verified.go, nodesverified.go  move the proof on after each batch, and have it
//	         proof                        asked for beside: what do Kong's workers serve?
//	watch    watch.go                     notice a node that came back, or back empty
//	beneath  schema                       how Kong describes what it takes: labels' text as its types,
//	                                      mistakes in its words, and what is not its default
//	         entity                       the table of kinds; records, their names, ids and tags
//	         admin                        requests, patience, lists, Kong's refusals
//	         problem.go                   errors in words, with remedies
//	         jsonvalue                    go-kong's types and Kong's answers as plain values
//	         secret                       what nobody may see, as digests
//
// A kind of entity is a row of the table in the package entity. What is compared of an
// entity is what the row names and whatever else is not as Kong's own schema
// has it by default; so a field that somebody sets by hand is a difference,
// and a field that a newer Kong adds is not.
package kong

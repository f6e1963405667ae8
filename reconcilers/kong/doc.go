// Package kong keeps a Kong Gateway equal to the desired services.
//
// In: the desired services, through the calls of reconcilers.Reconciler. Out:
// Admin API requests, and what became of them. Of the packages below it admin, compile and
// jsonvalue are the only importers of go-kong.
//
// kong.go has the calls in their order. What each stage does by itself, without a
// Reconciler, is a package below:
//
//	stage    files                        packages     what happens
//	ask      facts.go, configuration.go   schema       what Kong says of itself, and of what it takes
//	observe  observe.go, held.go          entity       read what is ours, less Kong's defaults
//	         member.go                                 consumers in groups
//	compile  authority.go                 compile      desired services → records
//	render   render.go                    deck         the same as a decK file
//	apply    mark.go                                   one writer for an owner; then
//	         apply.go, outcome.go                      with a database: level by level, in parallel
//	         write.go, cascade.go                      one request for a change, none for what goes by itself
//	         protect.go                                no route is open without its plugins
//	         rival.go                                  who holds what must be unique
//	         push.go, draft.go, node.go   declaration  without one: the whole configuration as text,
//	         base.go                                   less what Kong refuses, with the user's own
//	         nodes.go, nodesobserve.go,                several nodes without one, each for itself
//	         nodesapply.go
//	adopt    holders.go, adopt.go                      what others hold in our places, and making it ours
//	         adoptnode.go, release.go                  letting go what a node without one holds; giving back
//	verify   verified.go,                 proof        move the proof on after each batch, and have it
//	         nodesverified.go                          asked for beside: what do Kong's workers serve?
//	watch    watch.go                                  notice a node that came back, or back empty
//	         witness.go                                what others changed, and must not stay changed
//	beneath  problem.go                   admin        requests, patience, Kong's refusals in words
//	                                      jsonvalue    go-kong's types and Kong's answers as plain values
//	                                      secret       what nobody may see, as digests
//
// What the stages hand to each other are an entity.Record for each of Kong's entities,
// as Native of the plan's objects. A kind of entity is a row of the one table there. What
// is compared of an entity is what the row names and whatever else is not as Kong's own
// schema has it by default; so a field that somebody sets by hand is a difference, and a
// field that a newer Kong adds is not.
package kong

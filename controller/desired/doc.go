// Package desired works out what each gateway should hold.
//
// In: a snapshot.Delta (what changed among the containers and in manifests), the
// ledger and the time. Out: a Result: for each gateway the services that changed, each with
// the routes that it won and the endpoints that the gateway reaches; and a
// Standing for each of them that says why.
//
// The steps, in the order in which Builder.Update takes them:
//
//	step     | file         | question
//	---------|--------------|---------------------------------------------------
//	learn    | handover.go  | what have gateways been found to be, and to have taken up?
//	admit    | admit.go     | what is new, and what is gone?
//	         | container.go | what do its labels ask for, and in which life is it?
//	         | selectors.go | which services do manifests select it for?
//	         | selected.go  | … and what is it to them, beside what its labels say?
//	         | flapping.go  | … unless it turns to and fro too often
//	         | drain.go     | … or somebody has taken it out of service
//	         | given.go     | … or it asks for what the operator has not given
//	         | police.go    | … or policies refuse it
//	         | unread.go    | … or what is new of it waits, as a policy can't be read
//	declare  | declared.go  | what do manifests say of it, over its labels?
//	settle   | settings.go  | what holds for the service, and for how long?
//	         | decide.go    | … which copy's labels decide it?
//	         | pin.go       | … unless somebody has rolled it back to earlier ones
//	         | await.go     | which plugins of manifests hold for nothing yet?
//	claim    | claims.go    | which route holds a match that several ask for?
//	         | holding.go   | … who has what meanwhile
//	         | sni.go       | … and whether TLS by its name is passed on before any request
//	         | confine.go   | … less the hosts that a Listener has to itself
//	port     | ways.go      | through which gateways does it come, where it names none?
//	         | ports.go     | at which port does Kong reach it through HAProxy?
//	spread   | hosts.go     | whom else does it concern which versions can be picked?
//	         | meet.go      | … for which requests two routes both match
//	address  | address.go   | where does this gateway reach that instance?
//	         | place.go     | … and does that instance get traffic there?
//	judge    | judge.go     | does this gateway serve that service, and that route?
//	         | optional.go  | … without what was marked optional
//	assemble | assemble.go  | the service as this gateway should hold it, and why
//	         | chain.go     | … by way of the other gateway, where it stands behind that one,
//	         | rollout.go   | … with the weights by which versions share its traffic,
//	         | split.go     |   in whole numbers,
//	         | picks.go     | … with services for the versions that requests pick
//	         | outrank.go   |   and routes of others that must go before those
//
// Asked by what decisions an instance came to its verdicts, Builder.Trails tells them again
// one by one (trail.go, trailservice.go, trailgateway.go), out of what was decided.
//
// Asked what became of a selector, Builder.Selection looks at all containers (selection.go,
// nearness.go).
//
// Pure: no I/O, no clock, no log. Incremental: a change of one container costs
// in proportion to the services that it touches, and ends in what a full build
// from the same containers and ledger gives.
package desired

// Package controller is the loop that turns a moving world of containers into
// gateway state. It is the contents page of the program; one round reads from
// top to bottom:
//
//	stage     | input                       | output                  | package
//	----------|-----------------------------|-------------------------|--------------------------
//	take      | Docker events, manifests    | snapshot.Delta          | controller/source/docker, folder, repository
//	hear      | what workers know           | desired.Heard           | controller
//	build     | delta, heard, ledger, time  | services per gateway    | controller/desired
//	remember  | claims, settings, graces,   | a file                  | controller/ledger
//	          | drains, ports, pins, mode   |                         |
//	note      | what was decided            | generations, behind     | controller/history
//	observe   | the gateway, or its cache   | the gateway's objects   | reconcilers/kong, haproxy
//	compile   | the services that changed   | the gateway's objects   | reconcilers/kong, haproxy
//	diff      | observed, desired           | plan.Plan               | reconcilers/plan
//	drift     | plan, what was left         | plan less what others did| reconcilers
//	guard     | plan                        | plan less what is held  | reconcilers
//	apply     | plan                        | outcomes                | reconcilers/kong, haproxy
//	record    | standings, outcomes         | status.Report           | controller/status
//	verify    | what was accepted           | what is served, beside  | reconcilers/kong
//
// Controller.round does the first five; each gateway has a worker of its own
// (worker.go) that does the rest, so that a slow or dead gateway never delays
// another. An order to drain a container (drain.go), to leave a gateway alone (pause.go)
// or to go back to an earlier generation (rollback.go) comes in between two rounds, and
// is answered once its round has remembered it. Orders about what a gateway holds
// (adopt.go, choose.go, prune.go) are carried out by its worker, by a round like any other, and
// Uninstall (uninstall.go) is what is done without any. Events only say "look again": they poke
// a one-slot channel, and the round reads what is.
package controller

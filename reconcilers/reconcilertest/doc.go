// Package reconcilertest holds what every reconciler is measured by: the
// conformance suite (Run), the fleet of services that its random walks change
// (Fleet), and a strict in-memory gateway (Memory) with a reconciler on it.
//
// In: a Harness, which says how to get a fresh gateway and how to look at it.
// Out: test failures that name the seed and the step.
//
// The properties, each for every gateway:
//
//   - a second run writes nothing, also after the daemon was restarted;
//   - what is observed after an apply is what was compiled;
//   - a narrowed round does what the full round does;
//   - objects of strangers stay as they are;
//   - a held route answers differently, and comes back;
//   - a partial failure is told change by change, and the next run completes it;
//   - the end of a context is honoured;
//   - the same input gives the same plan, in whatever order it came;
//   - after any walk of changes, faults and restarts the gateway holds the same
//     as a fresh one that was brought straight to the end.
//
// Tests of other packages use Memory where they need a reconciler that is quick,
// strict, and fails when told to.
package reconcilertest

// Package plan compares what a gateway holds with what it should hold.
//
// In: two States (observed and desired) of Objects. Out: a Plan, the ordered
// Changes that lead from the one to the other. Pure: no I/O, no clock, and the
// same input gives the same plan, byte for byte.
package plan

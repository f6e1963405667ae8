// Package bind knows the addresses that HAProxy listens on.
//
// In: texts of addresses, and of files. Out: addresses that can be compared, whether one
// can be had, and who has it: HAProxy itself finds out that a port is taken only after it
// has paused the listeners of the process that serves.
package bind

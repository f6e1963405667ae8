// Package program runs HAProxy's program.
//
// In: its path, and the files that it is to load. Out: its version, what it says of the
// files, and a process that outlives the daemon: started, found again by whoever comes next,
// asked for its last words, and ended. What the process says over its sockets is read in
// package socket.
//
//	program.go  haproxy -v, haproxy -c
//	process.go  the process of a managed HAProxy: how it is started
//	find.go     … found again, by whoever comes next
//	stop.go     … and how it ends
//	proc.go     what the kernel tells of processes
//	stdout.go   our standard output, for the process to write to as well
package program

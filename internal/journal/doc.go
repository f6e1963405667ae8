// Package journal keeps a state on disk at a cost that follows what changed, not how much
// there is. Two files hold it: the snapshot, which is the whole state as it once was, and
// beside it the log, one line for each change since. There is never one without the other.
//
// In: changes, and the whole state where it is asked for; both are bytes that only the
// caller understands. Out: after a restart, the same. What was written outlives a kill at
// any moment and a failure of power.
//
//	journal.go  writes: one process at a time, which its caller sees to
//	read.go     reads, also while another process writes
//	log.go      what stands in a log
//	disk.go     how files are written
//	map.go      a map that knows which of its entries changed
package journal

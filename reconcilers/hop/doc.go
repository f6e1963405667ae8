// Package hop makes the keys by which Kong and HAProxy know each other where requests go
// through both (kong>haproxy).
//
// In: the names at which Kong dials HAProxy. Out: an authority that issues for this hop and
// nothing else, a certificate of HAProxy's, and one of Kong's, with their keys. They stand
// in one file of the state directory; whoever has that file can be either of the two.
//
//	keys.go    the three pairs: made, renewed, written and read
//	issue.go   one certificate
//	holder.go  those in force, for several goroutines
package hop

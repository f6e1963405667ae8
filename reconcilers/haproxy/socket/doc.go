// Package socket speaks with a running HAProxy: over its stats socket, and over its
// master's.
//
// In: commands, as HAProxy's management guide has them; whoever makes one sees to it
// that what strangers wrote can't end it (package charset). Out: the answers as HAProxy
// gave them, and what stands in those that are read here. A failure of the connection
// is an error that says what it means and what to do; HAProxy's own "no" is an answer.
//
//	session.go  commands in a row over the stats socket
//	master.go   commands to the master, and through it to workers that were replaced
//	peer.go     which process is at the other end
//	answer.go   who answers, the servers it has, its maps
//	stat.go     what it says of servers: sessions, failing checks
//	crt.go      the certificates that it has
package socket

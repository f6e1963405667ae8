// Package crt knows the certificates that our TLS listeners show, each with its chain and key.
//
// In: PEM that manifests and files of the user's hold. Out: certificates that are sound,
// each name given to one of them; their files in our directory and HAProxy's list of them
// (crt-list); and what a process has of them. How a process is told is the reconciler's.
//
//	certificate.go  one certificate, checked before HAProxy sees it
//	own.go          the one that is shown where no name fits and nobody says which
//	files.go        those that the user has in files
//	share.go        who has a name that several bear
//	list.go         our files: written, read back, cleared away
//	live.go         what a process has
package crt

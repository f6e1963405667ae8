// Package git follows a branch or a tag of a repository, or stays at one commit, and
// hands over the manifests at each of its commits. It is the only importer of go-git.
//
// In: what a server, or a repository on this machine, says. Out: manifests.Tree,
// one for each commit. The steps of one look:
//
//	step   | file                | question
//	-------|---------------------|---------------------------------------------------
//	ask    | server.go, local.go | at which commit is the ref? (all, when nothing changed)
//	fetch  | server.go, local.go | that commit alone, without its history
//	       | wish.go             | which objects are asked for, to come to that commit?
//	       | pack.go             | and nothing that would fill the memory
//	trust  | signed.go           | did somebody sign it whose key was named?
//	read   | tree.go             | which manifests are in it? No checkout is made, so
//	       |                     | nothing in a repository can lead out of it.
//	offer  | follow.go           | hand it over; and when is the next look?
//	       | repository.go       | how does that go, and does it count by now?
//
// address.go says what a URL may be, access.go how to get in there.
package git

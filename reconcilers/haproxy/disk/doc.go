// Package disk is our directory beside the user's files, of which HAProxy loads every
// *.cfg: which files of it are ours, and how they are written, so that whoever reads sees
// an old file or a new one, whenever a daemon is killed.
//
// In: names and texts of files. Out: the same on the disk, written by one daemon alone
// (claim.go); strangers' files stay untouched. What stands in the files is others' business.
//
//	layout.go     the names of our files, and how each begins
//	directory.go  one file at a time
//	stage.go      several of HAProxy's configuration, checked before they count
//	claim.go      the owner mark: one writer for a directory
package disk

// Package history keeps what was declared of every service, generation by
// generation, so that people can see who changed what and go back to it.
//
// In: what a round decided of services. Out: generations, and what was declared
// at one of them.
//
//	file          | what
//	--------------|------------------------------------------------------------
//	generation.go | Generation, Change: the nouns, as they are printed
//	store.go      | Store: a bbolt file with what is declared now, and for each
//	              | generation what it takes to undo it
//	read.go       | the newest generations, one of them, what was declared at one
//	keeper.go     | Keeper: opens and writes behind, so that no start and no
//	              | event waits for a disk
//
// A generation is a change of what is declared: instances, their health and their
// weights make none. What is declared now is compared with what the file last
// said, so that a restart makes none either, and what a killed daemon did not get
// to write is noticed by the next one. Secrets never reach the file.
package history

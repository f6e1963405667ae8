// Package manifests reads what is declared in files: multi-document YAML of the
// API group lockstep.dev/v1.
//
// In: the text of files. Out: a World, what all of them declare together, and
// Problems that name file, line, column and the remedy. The steps:
//
//	step  | file                | question
//	------|---------------------|---------------------------------------------------
//	read  | view.go, folder.go, | which files are there, and have they come to rest?
//	      | ears.go             | (what is not heard of is not looked at again)
//	      | reading.go          | what do those say that changed? (many at once)
//	      | tree.go             | what does a repository say? (manifests/git fetches it)
//	parse | file.go, node.go    | is it YAML, and are these objects of ours?
//	decode| kinds.go and beside | what does each object declare? (fields: api/v1)
//	      | words.go, deck.go   | the same in Kong's own words, and in decK's files
//	      | wordnames.go        | … and by which names they are known
//	keep  | shelf.go            | which versions of each file were good?
//	      | unread.go           | could one that never was keep something out?
//	link  | link.go, world.go   | do they fit together? A file that does not, alone
//	      |                     | or beside the others, keeps its last good version;
//	      |                     | so does a repository as a whole.
//	      | linker.go, advice.go| which of them can a change reach? Those alone are
//	      |                     | linked anew, and the rest of the world stands.
//	reveal| reveal.go, secret.go| what do references to secrets stand for now?
//	      | servicereveal.go,   | the same in the settings of plugins, in certificates,
//	      | certificatereveal.go| within Kong's own words,
//	      | entityreveal.go,    |
//	      | template.go         | and in the templates of decK's files
//
// Write (write.go) goes the other way: services as manifests. Parse, Link and Write are pure. Watcher (watcher.go) does the rest, and news.go hands
// over what changed.
package manifests

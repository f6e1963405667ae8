// Package haproxy keeps a HAProxy equal to the services that run.
//
// In: a v1.Set and what belongs to no service (v1.Shared). Out: a directory of our own (*.cfg and maps) that HAProxy loads
// after the user's files, and the same state in the running process. What
// moves (servers, weights, draining, hosts and paths, brand-new services) goes
// through the runtime socket without a reload; what can't (a backend with
// timeouts of its own, another bind) is checked by `haproxy -c` and reloaded, at a bounded
// rate. The files always follow, so that a restart by anyone loses nothing.
//
// The parts, in the order of a round:
//
//	compile.go    what is asked for → objects; those of services by the package compile
//	refresh.go    what the files and the running process hold → a config.Model
//	observe.go    model → objects
//	apply.go      changes → what can be done at runtime, what needs a reload
//	runtime.go    servers and map entries through the socket
//	reload.go     check, write, reload or start, wait until it is live
//
// What they stand on has packages of its own. Five make up the whole of what HAProxy is told, from services to
// text and back; they ask nobody and write nothing:
//
//	compile   services → objects
//	object    what HAProxy holds of ours, or is to hold → objects of the plan
//	config    all of that as one model ↔ the text of our files
//	frontend  HAProxy's sections that are no service's: what is asked for → their text, and back
//	routemap  routes → the maps that say which request goes where, and the rules that ask them
//
// The others know nothing of services' routes:
//
//	charset   text of strangers → one word, or refused: the one check of all that reaches a file or socket
//	disk      texts → our directory: which files are ours, whole ones only, one writer
//	socket    commands → a running process, and its answers read
//	program   the binary → its version, its check of files, and the managed process
//	setting   what a service asks for → the lines of its backend, and back
//	crt       PEM → certificates that listeners show, their files, and those that a process has
//	page      the operator's pages for errors → HAProxy's answers, and copies of them
//	pcre      regular expressions of RE2 → the same for HAProxy's matcher
//	native    HAProxy's own models → the text of a section
//	userfile  the user's files → the addresses and names that they take
//	bind      addresses to listen on: which clash, which are free, who has them
//
// Here are, below the parts of a round:
//
//	options.go, defaults.go  what the operator may say, and what is meant where nothing is said
//	reconciler.go         what is known between two rounds
//	object.go             the one object that is the process with its files
//	live.go, loading.go   what a process says of itself; a reload under way, and workers that were replaced
//	step.go, settle.go    one change on its way; the files, once all are done
//	conversation.go       what is said to the worker that we know, in one go
//	servers.go, leaving.go  the commands for servers that come, change and go
//	mapsync.go            the commands for maps
//	ability.go            what depends on HAProxy's version
//	drain.go              when sessions of draining servers end
//	inspect.go            what HAProxy says of servers when somebody asks: sessions, failing checks
//	spare.go              backends prepared for services that are brand-new
//	added.go              backends that come and go at runtime, from 3.4 on
//	wanted.go             the model that changes lead to
//	authority.go          who must have issued the certificates of others
//	printed.go            all of our files as they are to be, for people
//	forecast.go           which changes of a plan need a reload
//	certcompile.go, cert*.go  certificates: asked for, compared, given to the process, told of
//	section.go, blame.go  native sections: asked for, kept, and which one HAProxy refuses
//	via.go                the ports at which Kong reaches services through HAProxy
//	hop.go                … over TLS, by keys that only the two have
//	ports.go              ports for services of connections, and which of them can be had
//	metrics.go            what was done, counted
//	listener.go           Listeners of manifests: what is asked for, and who has their addresses
//	restriction.go        … their hosts, brought to the process
//	unserved.go           what another gateway would be needed for
//	pages.go              when the operator's pages are read, written and cleared away
//	accesslog.go          where the access log may go
//	notices.go            what the operator set up and has no effect, and why
//	clientcert.go         the files by which clients must prove themselves
//	proof.go              what a worker that was replaced says of its clients
//	check.go              whether HAProxy takes all files together, and whether its ports are free
//	lost.go               a process that lives and can't be told anything any more
//	watch.go              notices a process that died or another's reload
package haproxy

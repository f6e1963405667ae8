// Package config holds what HAProxy is told of ours, as one model, and is the model's text: the files of our
// directory that HAProxy loads.
//
// In: the files of the directory, as they were read (Parse), and changes to backends, servers and routes, in the
// names of the plan's objects (Edit); what is no service's is handed in as texts of others (frontend, native).
// Out: the files, each as a whole; the generation, which names all that a process takes over by a reload only;
// and whatever somebody asks of the model, as the Source of a routemap.Table does. It reads and writes no file,
// and knows no process.
//
// A model changes by its own methods alone. What it hands out is not to be changed by others: backends, routes
// and the sections of services are shared between a model and its clones.
//
//	model.go         the whole; what of it changes the generation
//	lookup.go        what may be asked of it
//	backend.go       a service's backend, and its servers
//	edit.go          the next version of some of it
//	spares.go        prepared backends: their names, and whose they are
//	certificates.go  the certificates and authorities that it needs
//	files.go         which file a service stands in; a file's text
//	backendtext.go   a backend → its text
//	parse.go         the files → a model
package config

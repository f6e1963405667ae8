package haproxy

import (
	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/haproxy/object"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// condition is the state of what belongs to no service: the process and the files.
type condition struct {
	text    string // digest of the text before the first service: what flags and Listeners ask for
	process string // processRuns, processStopped, processDeaf
	loaded  string // "yes" when the process runs what the files say
	files   string // "current", "missing", "edited", "unwritten"
	routes  string // "current", "edited", "missing": the map in the process
}

// baseKey is the key of the one object that belongs to no service.
var baseKey = v1.Key{Kind: object.KindProcess, Name: "process"}

func baseObject(c condition) *plan.Object {
	return &plan.Object{
		Key: baseKey, Owner: baseKey, Level: object.LevelProcess, Noun: "HAProxy itself",
		Fields: map[string]string{"frontends and settings": c.text, "process": c.process, "loaded": c.loaded, "files": c.files, "routes": c.routes},
		Opaque: []string{"frontends and settings"},
		Native: c,
	}
}

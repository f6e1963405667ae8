package haproxy

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/instant"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// condition is the state of what belongs to no service: the process and the files.
type condition struct {
	text    string // digest of the text before the first service
	process string // processRuns, processStopped, processDeaf
	loaded  string // "yes" when the process runs what the files say
	files   string // "current", "missing", "edited", "unwritten"
	routes  string // "current", "edited", "missing": the map in the process
}

// baseKey is the key of the one object that belongs to no service.
var baseKey = v1.Key{Kind: kindProcess, Name: "process"}

func baseObject(c condition) *plan.Object {
	return &plan.Object{
		Key: baseKey, Owner: baseKey, Level: levelProcess, Noun: "HAProxy itself",
		Fields: map[string]string{"own sections": c.text, "process": c.process, "loaded": c.loaded, "files": c.files, "routes": c.routes},
		Opaque: []string{"own sections"},
		Native: c,
	}
}

func backendObject(b *backend) *plan.Object {
	return &plan.Object{
		Key:     v1.Key{Kind: kindBackend, Name: b.name()},
		Service: b.service,
		Owner:   plan.OwnerOf(v1.KindService, b.service),
		Level:   levelBackend,
		Noun:    "backend " + b.name(),
		Fields:  b.Fields(),
		Native:  b,
	}
}

// place is a server with the backend that it stands in.
type place struct {
	backend string // without the owner's prefix
	server  server
}

func serverObject(b *backend, s server) *plan.Object {
	state := "ready"
	switch {
	case s.maint:
		state = "maint"
	case s.overdue:
		state = "drain, with sessions past their end"
	case s.drain:
		state = "drain"
	}
	fields := map[string]string{"address": s.address, "weight": strconv.Itoa(s.weight), "state": state}
	if s.drain && !s.until.IsZero() {
		fields["sessions_until"] = instant.Text(s.until)
	}
	if s.maxconn > 0 {
		fields["maxconn"] = strconv.Itoa(s.maxconn)
	}
	if s.backup {
		fields["backup"] = "true"
	}
	return &plan.Object{
		Key:     v1.Key{Kind: kindServer, Name: b.name() + "/" + s.name},
		Service: b.service,
		Owner:   v1.Key{Kind: v1.KindInstance, Name: s.id},
		Level:   levelServer,
		Noun:    serverNoun(s.id, s, b),
		Fields:  fields,
		Native:  place{backend: b.name(), server: s},
	}
}

func serverNoun(name string, s server, b *backend) string {
	return fmt.Sprintf("server %s (%s) of %s", name, s.address, b.name())
}

func routeObject(r *route) *plan.Object {
	if r.port != 0 {
		return viaObject(r)
	}
	backend := r.backend
	if backend == "" {
		backend = "none (503)"
	}
	if r.stream() {
		return streamObject(r)
	}
	return &plan.Object{
		Key:     v1.Key{Kind: kindRoute, Name: r.name},
		Service: r.service,
		Owner:   plan.OwnerOf(v1.KindRoute, r.name),
		Level:   levelRoute,
		Noun:    "route " + r.name + " (" + strings.Join(slices.Concat(r.methods, r.hosts, r.paths), " ") + ")",
		Match:   r.match(),
		Fields: map[string]string{
			"hosts": strings.Join(r.hosts, " "), "paths": strings.Join(r.paths, " "), "backend": backend,
			"strip_path": strconv.FormatBool(r.strip), "preserve_host": strconv.FormatBool(r.preserve),
			"priority": strconv.Itoa(r.priority), "methods": strings.Join(r.methods, " "), "headers": r.headerText(),
			"https": r.demands(), "cookies": listsText(r.cookies),
		},
		Native: r,
	}
}

// streamObject is routeObject for a route that takes connections.
func streamObject(r *route) *plan.Object {
	return &plan.Object{
		Key:     v1.Key{Kind: kindRoute, Name: r.name},
		Service: r.service,
		Owner:   v1.Key{Kind: v1.KindRoute, Name: r.name},
		Level:   levelRoute,
		Noun:    "route " + r.name + " (" + r.ends() + ")",
		Match:   r.ends(),
		Fields: map[string]string{
			"takes": r.ends(), "backend": cmp.Or(r.backend, "none (closed)"), "priority": strconv.Itoa(r.priority),
		},
		Native: r,
	}
}

// match is what the route claims, in canonical form.
func (r *route) match() string {
	text := "hosts=" + strings.Join(r.hosts, ",") + " paths=" + strings.Join(r.paths, ",")
	if len(r.methods) > 0 {
		text += " methods=" + strings.Join(r.methods, ",")
	}
	if len(r.headers) > 0 {
		text += " headers=" + r.headerText()
	}
	if len(r.cookies) > 0 {
		text += " cookies=" + listsText(r.cookies)
	}
	return text
}

// headerText writes headers in a fixed order.
func (r *route) headerText() string { return listsText(r.headers) }

// listsText writes lists by name in a fixed order.
func listsText(lists map[string][]string) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(lists)) {
		parts = append(parts, name+"="+strings.Join(lists[name], ","))
	}
	return strings.Join(parts, ";")
}

// heldRoute is routeObject for the observed side: it knows how to be held.
func heldRoute(r *route) *plan.Object {
	object := routeObject(r)
	held := *r
	held.backend = ""
	object.Hold = routeObject(&held)
	return object
}

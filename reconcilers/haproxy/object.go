package haproxy

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/digest"
	"github.com/lockstep/lockstep/internal/instant"
	"github.com/lockstep/lockstep/reconcilers/haproxy/config"
	"github.com/lockstep/lockstep/reconcilers/haproxy/frontend"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
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

func backendObject(b *config.Backend) *plan.Object {
	return &plan.Object{
		Key:     v1.Key{Kind: kindBackend, Name: b.Name()},
		Service: b.Service,
		Owner:   plan.OwnerOf(v1.KindService, b.Service),
		Level:   levelBackend,
		Noun:    "backend " + b.Name(),
		Fields:  b.Fields(),
		Native:  b,
	}
}

func serverObject(b *config.Backend, s config.Server) *plan.Object {
	state := "ready"
	switch {
	case s.Maint:
		state = "maint"
	case s.Overdue:
		state = "drain, with sessions past their end"
	case s.Drain:
		state = "drain"
	}
	fields := map[string]string{"address": s.Address, "weight": strconv.Itoa(s.Weight), "state": state}
	if s.Drain && !s.Until.IsZero() {
		fields["sessions_until"] = instant.Text(s.Until)
	}
	if s.MaxConn > 0 {
		fields["maxconn"] = strconv.Itoa(s.MaxConn)
	}
	if s.Backup {
		fields["backup"] = "true"
	}
	return &plan.Object{
		Key:     v1.Key{Kind: kindServer, Name: b.Name() + "/" + s.Name},
		Service: b.Service,
		Owner:   v1.Key{Kind: v1.KindInstance, Name: s.ID},
		Level:   levelServer,
		Noun:    serverNoun(s.ID, s, b),
		Fields:  fields,
		Native:  config.Place{Backend: b.Name(), Server: s},
	}
}

func serverNoun(name string, s config.Server, b *config.Backend) string {
	return fmt.Sprintf("server %s (%s) of %s", name, s.Address, b.Name())
}

func routeObject(r *routemap.Route) *plan.Object {
	if r.Port != 0 {
		return viaObject(r)
	}
	backend := r.Backend
	if backend == "" {
		backend = "none (503)"
	}
	if r.Stream() {
		return streamObject(r)
	}
	return &plan.Object{
		Key:     v1.Key{Kind: kindRoute, Name: r.Name},
		Service: r.Service,
		Owner:   plan.OwnerOf(v1.KindRoute, r.Name),
		Level:   levelRoute,
		Noun:    "route " + r.Name + " (" + strings.Join(slices.Concat(r.Methods, r.Hosts, r.Paths), " ") + ")",
		Match:   r.Match(),
		Fields: map[string]string{
			"hosts": strings.Join(r.Hosts, " "), "paths": strings.Join(r.Paths, " "), "backend": backend,
			"strip_path": strconv.FormatBool(r.Strip), "preserve_host": strconv.FormatBool(r.Preserve),
			"priority": strconv.Itoa(r.Priority), "methods": strings.Join(r.Methods, " "), "headers": r.HeaderText(),
			"https": r.Demands(), "cookies": r.CookieText(),
		},
		Native: r,
	}
}

// streamObject is routeObject for a route that takes connections.
func streamObject(r *routemap.Route) *plan.Object {
	return &plan.Object{
		Key:     v1.Key{Kind: kindRoute, Name: r.Name},
		Service: r.Service,
		Owner:   v1.Key{Kind: v1.KindRoute, Name: r.Name},
		Level:   levelRoute,
		Noun:    "route " + r.Name + " (" + r.Ends() + ")",
		Match:   r.Ends(),
		Fields: map[string]string{
			"takes": r.Ends(), "backend": cmp.Or(r.Backend, "none (closed)"), "priority": strconv.Itoa(r.Priority),
		},
		Native: r,
	}
}

// heldRoute is routeObject for the observed side: it knows how to be held.
func heldRoute(r *routemap.Route) *plan.Object {
	object := routeObject(r)
	held := *r
	held.Backend = ""
	object.Hold = routeObject(&held)
	return object
}

// restrictionObject is what a plan knows of a Listener's hosts. It is there for as long as the Listener is.
func restrictionObject(n *routemap.Restriction) *plan.Object {
	key := v1.Key{Kind: v1.KindListener, Name: n.Name}
	noun := "hosts of the Listener " + n.Name
	if len(n.Hosts) > 0 {
		noun += " (" + strings.Join(n.Hosts, " ") + ")"
	}
	return &plan.Object{
		Key: key, Service: key.String(), Owner: key, Level: levelProcess, Noun: noun,
		Fields: map[string]string{"hosts": strings.Join(n.Hosts, " "), "exclusive": strconv.FormatBool(n.Exclusive)},
		Native: n, Origin: n.Origin,
	}
}

// openingObject is what a plan knows of the addresses.
func openingObject(o *frontend.Opening) *plan.Object {
	owner := v1.Key{Kind: v1.KindListener, Name: o.Name}
	return &plan.Object{
		Key: v1.Key{Kind: kindOpening, Name: o.Name}, Service: owner.String(), Owner: owner, Level: levelSection,
		Noun:   "Listener " + o.Name + " (" + strings.Join(o.Addresses(), " ") + ")",
		Fields: map[string]string{"bind": strings.Join(o.Addresses(), " "), "accept_proxy": o.Accepts(), "version": digest.Of(o.Front + o.Back)},
		Native: o, Origin: o.Origin,
	}
}

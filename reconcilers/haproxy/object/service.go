package object

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/instant"
	"github.com/lockstep/lockstep/reconcilers/haproxy/config"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// Backend is what a plan knows of a backend, its servers aside.
func Backend(b *config.Backend) *plan.Object {
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

// Server is what a plan knows of a server of a backend.
func Server(b *config.Backend, s config.Server) *plan.Object {
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
		Noun:    ServerNoun(s.ID, s, b),
		Fields:  fields,
		Native:  config.Place{Backend: b.Name(), Server: s},
	}
}

// ServerNoun is how a server is called that stands for an instance of that name.
func ServerNoun(name string, s config.Server, b *config.Backend) string {
	return fmt.Sprintf("server %s (%s) of %s", name, s.Address, b.Name())
}

// Route is what a plan knows of a route.
func Route(r *routemap.Route) *plan.Object {
	if r.Port != 0 {
		return via(r)
	}
	backend := r.Backend
	if backend == "" {
		backend = "none (503)"
	}
	if r.Stream() {
		return stream(r)
	}
	return &plan.Object{
		Key:     v1.Key{Kind: KindRoute, Name: r.Name},
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

// stream is Route for a route that takes connections.
func stream(r *routemap.Route) *plan.Object {
	return &plan.Object{
		Key:     v1.Key{Kind: KindRoute, Name: r.Name},
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

// Held is Route for what was observed: it knows how to be held.
func Held(r *routemap.Route) *plan.Object {
	made := Route(r)
	held := *r
	held.Backend = ""
	made.Hold = Route(&held)
	return made
}

// via is Route for the way from Kong, which belongs to the service: it is there for as long as the service is.
func via(r *routemap.Route) *plan.Object {
	backend := r.Backend
	if backend == "" {
		backend = "none (503)"
	}
	return &plan.Object{
		Key:     v1.Key{Kind: KindRoute, Name: r.Name},
		Service: r.Service,
		Owner:   v1.Key{Kind: v1.KindService, Name: r.Service},
		Level:   levelRoute,
		Noun:    fmt.Sprintf("way from Kong to %s (port %d)", r.Service, r.Port),
		Match:   "port=" + strconv.Itoa(r.Port),
		Fields:  map[string]string{"port": strconv.Itoa(r.Port), "backend": backend},
		Native:  r,
	}
}

package compile

import (
	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
)

// viaSuffix ends the name of a service's route from Kong. Routes of users have no colon.
const viaSuffix = ":via"

// viaRoute is what leads from a service's port to its backend.
func viaRoute(s *v1.Service) *routemap.Route {
	return &routemap.Route{Name: s.Name + viaSuffix, Service: s.Name, Backend: s.Name, Preserve: true, Port: int(s.Via.Port)}
}

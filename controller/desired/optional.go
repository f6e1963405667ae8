package desired

import (
	"fmt"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// leftOut returns what a gateway leaves out of a route that it serves: what was marked
// optional. Before Kong that is only what decides which requests get there: Kong's own
// route asks for all the rest.
func leftOut(s *service, r role, gateway v1.Gateway, route v1.Route) []string {
	if r.behind != v1.Kong {
		fields := v1.LeftOut(route, gateway, s.settings.Plugins)
		if r.instances {
			fields = append(fields, v1.LeftOutOfService(s.settings, gateway)...)
		}
		return fields
	}
	route.Plugins = nil
	return slices.DeleteFunc(v1.LeftOut(route, gateway, nil), func(field string) bool { return !strings.Contains(field, "=") })
}

// servedWithout says what is served without some fields; "" when there are none.
func servedWithout(fields []string, gateway v1.Gateway) string {
	if len(fields) == 0 {
		return ""
	}
	return fmt.Sprintf("served without %s, which %s can't express", strings.Join(fields, ", "), gateway)
}

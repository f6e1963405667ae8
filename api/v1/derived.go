package v1

import "strings"

// Requests that pick a version reach it over services and routes that nobody asked
// for: they are derived from a service and its routes. Their names hold a capital,
// which no key does, so that they are nobody else's; and they are made of the keys
// that they come from, so that a gateway's objects can be read.

// derivedService stands between a service's name and the version.
const derivedService = ".V."

// Derived reports whether the name of a service or route was made for a rollout.
func Derived(name string) bool {
	return strings.ContainsFunc(name, func(r rune) bool { return 'A' <= r && r <= 'Z' })
}

// VersionService names the service that holds one version of another.
func VersionService(service, version string) string { return service + derivedService + version }

// DerivedFrom returns the service that a derived service holds a version of, and
// the name itself of any other.
func DerivedFrom(service string) string {
	name, _, _ := strings.Cut(service, derivedService)
	return name
}

// DerivedRoute names a route of service that is derived from the route. It takes the
// requests that bear the header or cookie, or both; "" for one that does not matter.
func DerivedRoute(service, route, header, cookie string) string {
	name := service + route[strings.LastIndexByte(route, '.'):]
	if header != "" {
		name += "-H-" + strings.ToLower(header)
	}
	if cookie != "" {
		name += "-C-" + strings.ToLower(cookie)
	}
	return name
}

// MaxName is how long the name of a service or route gets.
const MaxName = maxKey + len(derivedService) + maxVersion + 2*(len("-H-")+maxPick)

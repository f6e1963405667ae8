// Package routemap says which request or connection goes to which backend: by routes.map and
// patterns.map, and by the rules of frontends that look into these.
//
// In: routes, what Listeners keep to themselves of hosts, and which backends there are (a Source). Out:
// a Table, which knows each key and value of the maps, as files and as what a running process is to hold,
// and names the keys that may change when a route comes or goes; Rules, by which a frontend finds the value
// that the maps have for a request. And back: what the comments of routes.map tell, as routes and restrictions.
//
// It knows the order in which Kong would try routes, and keeps it. It writes texts alone: whoever has the
// files and the socket hands them on.
//
//	route.go        a route, its keys and values
//	table.go        which route owns a key; claim.go what a route claims, for people
//	order.go        which of several routes wins, as in Kong
//	patterns.go     routes that a map of prefixes can't express; special.go which hosts have any
//	names.go        TLS that is passed on by the name that clients ask for
//	ports.go        connections to ports
//	restriction.go  hosts that Listeners answer alone, or that they answer at all
//	rules.go        the rules of frontends: how a request finds its route
//	mapfile.go      the table ↔ the text of routes.map; hosts.go that of hosts.map
//	target.go       the backends, beside those of services, to which the maps lead
//	check.go        the last look at a line before it reaches a file or socket
package routemap

package v1

import "net/netip"

// Declared is what manifests ask for of one service. It is immutable.
type Declared struct {
	// Service has the fields that Fields names, plugins and routes; all else is
	// default, and leaves labels as they are.
	Service Service
	// Fields are the fields that the manifest sets, the service's own and routes.NAME.FIELD,
	// sorted, and Places where it does, by field.
	Fields []string
	Places map[string]Origin
	// Alone says that labels have no say in what the manifest leaves out: their
	// containers are instances, and nothing else of theirs counts.
	Alone bool
	// Addition says that manifests add plugins to a service that labels make, and no more:
	// without containers there is no such service.
	Addition bool
	// OnRoutes are plugins on routes that labels make, by the whole name of the route,
	// each sorted by name.
	OnRoutes map[string][]Plugin
	// Endpoints are instances that no source finds, sorted by address.
	Endpoints []StaticEndpoint
	// Selector brings containers in whose labels don't name the service; nil: none.
	Selector *Selector
	// Withheld says why no gateway may serve the service, whatever labels say: not
	// all of what the manifest asks for is known; nil: it is.
	Withheld *Problem
}

// StaticEndpoint is an instance whose address stands in a manifest.
type StaticEndpoint struct {
	Address netip.AddrPort
	// Part has the fields of an instance; its Service is empty.
	Part   DeclaredService
	Origin Origin
}

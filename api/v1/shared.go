package v1

import (
	"encoding/json"
	"slices"
)

// Shared is what gateways should hold that belongs to no service. A Shared
// that was handed on is never changed again.
type Shared struct {
	// Certificates are sorted by name.
	Certificates []Certificate
	// Sections are sorted by name; HAProxy's alone.
	Sections []Section
	// Listeners are sorted by name; HAProxy's alone, though what they have to
	// themselves concerns every gateway.
	Listeners []Listener
	// Entities are sorted by kind and name; Kong's alone.
	Entities []Entity
}

// Certificate is what a listener proves itself with.
type Certificate struct {
	// Name is the object's key.
	Name string `json:"name"`
	// Chain is the certificate and those that vouch for it, in PEM; "", and Key as
	// well, when it could not be read: a gateway keeps what it has of it.
	Chain string `json:"chain"`
	// Key is the private key, in PEM.
	Key Secret `json:"key"`
	// SNIs are the names for which it is shown; empty means those that it bears. Sorted.
	SNIs []string `json:"snis,omitempty"`
	// Default makes it the one that is shown where no name fits.
	Default bool `json:"default,omitempty"`
	// Gateways are those that get it; empty means all. Sorted.
	Gateways []Gateway `json:"gateways,omitempty"`
	Origin   Origin    `json:"origin"`
}

// For returns what one gateway should hold of it: certificates may be for others alone.
func (s Shared) For(gateway Gateway) Shared {
	s.Certificates = slices.DeleteFunc(slices.Clone(s.Certificates), func(c Certificate) bool {
		return len(c.Gateways) > 0 && !slices.Contains(c.Gateways, gateway)
	})
	return s
}

// Section is a part of HAProxy's configuration in the words of its own models.
type Section struct {
	// Name is the object's key.
	Name string `json:"name"`
	// Body is what the manifest says, as JSON.
	Body   json.RawMessage `json:"body"`
	Origin Origin          `json:"origin"`
	// Places are where fields stand, by path: "servers[0].port".
	Places map[string]Origin `json:"-"`
}

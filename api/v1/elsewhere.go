package v1

import "fmt"

// Elsewhere is the advice to have served by another gateway what one can't express.
type Elsewhere struct {
	Gateway Gateway // the one that can't
	Field   string  // what names the ways in, to who may change it: "the label lockstep.gateways"
	Alone   bool    // no other gateway is kept
	Chained bool    // Kong may stand before HAProxy (kong>haproxy)
}

// Before says, where Kong can be had before HAProxy, that it then does what HAProxy can't, and
// ends with "or"; "" otherwise. It comes first: nothing is left out so, and both gateways are
// kept.
func (e Elsewhere) Before() string {
	if !e.Chained || e.Gateway != HAProxy {
		return ""
	}
	return fmt.Sprintf("set %s to %s, where %s does it, or ", e.Field, KongHAProxy, Kong)
}

// Behind says, where HAProxy can be had behind Kong, that it then does what Kong can't towards
// instances, and ends with "or"; "" otherwise.
func (e Elsewhere) Behind() string {
	if !e.Chained || e.Gateway != Kong {
		return ""
	}
	return fmt.Sprintf("set %s to %s, where %s does it, or ", e.Field, KongHAProxy, HAProxy)
}

// Only says how to leave it to the other gateway.
func (e Elsewhere) Only() string {
	other := Kong
	if e.Gateway == Kong {
		other = HAProxy
	}
	only := fmt.Sprintf("name only %s in %s", other, e.Field)
	if e.Alone {
		return fmt.Sprintf("start Lockstep with %s as well, and %s", other, only)
	}
	return only
}

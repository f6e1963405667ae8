package v1

import "testing"

// TestElsewhere: where Kong may stand before HAProxy that comes first, for what HAProxy can't
// do alone; and where one gateway is kept, there is no other that a label could name.
func TestElsewhere(t *testing.T) {
	for want, e := range map[string]Elsewhere{
		"name only kong in gateways":    {Gateway: HAProxy},
		"name only haproxy in gateways": {Gateway: Kong},
		"set gateways to kong>haproxy, where haproxy does it, or name only haproxy in gateways": {Gateway: Kong, Chained: true},
		"set gateways to kong>haproxy, where kong does it, or name only kong in gateways":       {Gateway: HAProxy, Chained: true},
		"start Lockstep with kong as well, and name only kong in gateways":                      {Gateway: HAProxy, Alone: true},
		"start Lockstep with haproxy as well, and name only haproxy in gateways":                {Gateway: Kong, Alone: true},
	} {
		e.Field = "gateways"
		if got := e.Before() + e.Behind() + e.Only(); got != want {
			t.Errorf("of %+v it says %q, want %q", e, got, want)
		}
	}
}

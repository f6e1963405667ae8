package v1

import "testing"

func TestProblemSaysWhereItIs(t *testing.T) {
	for want, p := range map[string]Problem{
		`a.yaml:3:5: Conflict: taken; take another`: {Reason: Conflict, Message: "taken", Fix: "take another", Origin: Origin{File: "a.yaml", Line: 3, Column: 5}, Object: Key{KindRoute, "a"}},
		`route/a: Conflict: taken`:                  {Reason: Conflict, Message: "taken", Object: Key{KindRoute, "a"}},
		`GatewayUnreachable: silent`:                {Reason: GatewayUnreachable, Message: "silent", Object: Key{KindGateway, "kong"}},
		`Conflict: taken`:                           {Reason: Conflict, Message: "taken"},
	} {
		if got := p.Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

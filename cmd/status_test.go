package cmd

import (
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/status"
)

// TestWaitingIsCounted: services are counted, and what belongs to none is not among them.
func TestWaitingIsCounted(t *testing.T) {
	for _, c := range []struct {
		is   status.Verification
		want string
	}{
		{status.Verification{}, ""},
		{status.Verification{Waiting: 7}, "kong: changes of 7 services are accepted, and not served by all of its workers yet\n"},
		{status.Verification{Waiting: 1, Others: true}, "kong: changes of 1 service and of what belongs to no service are accepted, and not served by all of its workers yet\n"},
		{status.Verification{Others: true}, "kong: changes of what belongs to no service are accepted, and not served by all of its workers yet\n"},
	} {
		if got := printed(t, func(p *printer) { printVerification(p, status.Gateway{Name: v1.Kong, Verification: &c.is}) }); got != c.want {
			t.Errorf("%+v: got %q", c.is, got)
		}
	}
}

package v1

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOnce(t *testing.T) {
	of := func(gateway Gateway, message string) Problem {
		return Problem{Reason: Conflict, Gateway: gateway, Message: message}
	}
	all := []Problem{of("", "everywhere"), of(Kong, "each"), of(Kong, "one"), of("", "everywhere"), of(HAProxy, "each")}
	for name, c := range map[string]struct {
		gateways []Gateway
		want     []Problem
	}{
		"two": {[]Gateway{Kong, HAProxy}, []Problem{of("", "everywhere"), of("", "each"), of(Kong, "one")}},
		"one": {[]Gateway{Kong}, []Problem{of("", "everywhere"), of(Kong, "each"), of(Kong, "one"), of(HAProxy, "each")}},
	} {
		if diff := cmp.Diff(c.want, Once(all, c.gateways)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

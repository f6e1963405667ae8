package cmd

import (
	"errors"
	"strings"
	"testing"

	"github.com/lockstep/lockstep/api/server"
	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/status"
)

// TestExplainBeforeAnythingIsKnown: a daemon that was just started says that it does not
// know yet. To whoever waits until a container is drained, anything else would say that
// it is, while gateways go on with it.
func TestExplainBeforeAnythingIsKnown(t *testing.T) {
	d := &daemon{status: status.New("test", "lockstep", []v1.Gateway{v1.HAProxy})}
	for _, ref := range []string{"shop-1", "http://shop.test/"} {
		_, err := d.explain(t.Context(), ref)
		if err == nil || errors.Is(err, server.ErrUnknown) || !strings.Contains(err.Error(), "not known yet (no source is loaded yet)") {
			t.Errorf("of %s it says %v", ref, err)
		}
	}
}

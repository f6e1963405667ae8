package cmd

import (
	"errors"
	"strings"
	"testing"

	"github.com/lockstep/lockstep/api/server"
	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/source/docker"
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

// TestNotThere: a container that ends again and again is told so whether it is asked
// for while it runs or while it waits.
func TestNotThere(t *testing.T) {
	for name, c := range map[string]struct {
		note         docker.LookupNote
		reason       v1.Reason
		message, fix string
	}{
		"never started":  {docker.LookupNote{Status: "created"}, v1.NotRunning, "it is created", "start it"},
		"stopped":        {docker.LookupNote{Status: "exited (0)"}, v1.NotRunning, "it is exited (0)", "start it"},
		"died":           {docker.LookupNote{Status: "exited (137)", ExitCode: 137}, v1.NotRunning, "it is exited (137)", "docker logs web-1"},
		"waits":          {docker.LookupNote{Status: "restarting", ExitCode: 3, Restarts: 5}, v1.NotRunning, "exit code 3, and its restart policy starts it again (5 times so far)", "docker logs web-1"},
		"runs a moment":  {docker.LookupNote{Status: "running", Running: true, Restarts: 1}, v1.Starting, "its restart policy has done so 1 time so far", "docker logs web-1"},
		"begins to live": {docker.LookupNote{Status: "running", Running: true}, v1.Starting, "this instant", "ask again"},
	} {
		reason, message, fix := notThere("web-1", c.note)
		if reason != c.reason || !strings.Contains(message, c.message) || !strings.Contains(fix, c.fix) {
			t.Errorf("%s: %s: %s; %s", name, reason, message, fix)
		}
	}
}

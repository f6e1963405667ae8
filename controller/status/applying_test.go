package status

import (
	"testing"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// TestLongWaitIsSaid: a gateway that takes long over an answer is said to, and none that does not.
func TestLongWaitIsSaid(t *testing.T) {
	at := time.Unix(100, 0)
	for _, c := range []struct {
		applying Applying
		after    time.Duration
		want     string
	}{
		{Applying{Total: 3, Means: "push", Since: at}, 12*time.Second + 300*time.Millisecond, "a push has been waiting for an answer for 12s"},
		{Applying{Total: 3, Since: at}, time.Minute, "a change has been waiting for an answer for 1m0s"},
		{Applying{Total: 3, Means: "push", Since: at}, 5 * time.Second, ""},
		{Applying{Total: 3, Means: "push", Since: at}, -time.Hour, ""}, // another clock
		{Applying{Total: 3, Means: "push"}, 0, ""},                     // another daemon, which does not say
	} {
		if got := c.applying.Waiting(at.Add(c.after)); got != c.want {
			t.Errorf("%+v after %s: %q, want %q", c.applying, c.after, got, c.want)
		}
	}
}

// TestApplyingIsSaid: how far each gateway is, in few words, until its round is over.
func TestApplyingIsSaid(t *testing.T) {
	s := New("1", "lockstep", []v1.Gateway{v1.Kong, v1.HAProxy})
	said := func(want string) {
		t.Helper()
		if got := s.Underway(); got != want {
			t.Errorf("said %q, want %q", got, want)
		}
	}
	said("")
	s.Applying(v1.HAProxy, Applying{Done: 3, Total: 8, Means: "reload"})
	said("haproxy: applying 3 of 8, the rest by one reload")
	s.Applying(v1.Kong, Applying{Done: 412, Total: 1500})
	said("kong: applying 412 of 1500; haproxy: applying 3 of 8, the rest by one reload")
	s.Applying(v1.Kong, Applying{Total: 1500, Means: "push"})
	before := s.Report().Revision
	s.Applied(v1.HAProxy, Round{Reason: v1.GatewayUnreachable, At: time.Unix(1, 0)})
	said("kong: applying 1500 by one push")
	if after := s.Report().Revision; after != before+1 {
		t.Errorf("revision %d after %d: whoever waits is told once", after, before)
	}
}

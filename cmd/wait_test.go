package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/lockstep/lockstep/api/server"
	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
	"github.com/lockstep/lockstep/controller/status"
)

// TestWaitSaysWhatIsMissing: of each subject, what was still missing when the time was
// up, also of those that were not come to, which are asked about once; of what is reached, nothing.
func TestWaitSaysWhatIsMissing(t *testing.T) {
	readers := server.Readers{
		Metrics: http.NotFoundHandler(),
		Explain: func(_ context.Context, ref string) (status.Explanation, error) {
			if ref == "late" {
				return status.Explanation{Subject: ref, Problems: []v1.Problem{{Reason: v1.InvalidLabel, Message: "\"yes\" is no port"}}}, nil
			}
			verdict := desired.Verdict{Gateway: v1.HAProxy, Reason: v1.Serving}
			if ref == "slow" {
				verdict = desired.Verdict{Gateway: v1.HAProxy, Reason: v1.Starting, Message: "its HEALTHCHECK has not passed yet"}
			}
			instance := desired.InstanceStanding{Container: ref + "-1", Verdicts: []desired.Verdict{verdict}}
			return status.Explanation{Subject: ref, Services: []status.Service{{Standing: desired.Standing{
				Service: ref, Instances: []desired.InstanceStanding{instance},
			}}}}, nil
		},
	}
	daemon := httptest.NewServer(server.New(readers))
	t.Cleanup(daemon.Close)
	c := newWait()
	var out bytes.Buffer
	c.SetOut(&out)
	c.SetErr(&out)
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetArgs([]string{"--listen", strings.TrimPrefix(daemon.URL, "http://"), "--timeout", "200ms", "-o", "json", "web", "slow", "late"})
	err := c.ExecuteContext(t.Context())
	if err == nil || !strings.Contains(err.Error(), "slow is not serving") || !strings.Contains(err.Error(), "late is not serving") {
		t.Errorf("it ends with %v", err)
	}
	_, text, _ := strings.Cut(out.String(), "[")
	var all []waited
	if err := json.Unmarshal([]byte("["+text), &all); err != nil || len(all) != 3 {
		t.Fatalf("%s: %v", out.String(), err)
	}
	for i, want := range []string{"", "its HEALTHCHECK has not passed yet", "is no port"} {
		if got := all[i]; got.Reached != (want == "") || (got.Missing == "") != got.Reached || !strings.Contains(got.Missing, want) {
			t.Errorf("%+v, want it to miss %q", got, want)
		}
	}
}

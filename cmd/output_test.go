package cmd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/lockstep/lockstep/api/server"
	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
	"github.com/lockstep/lockstep/controller/source"
	"github.com/lockstep/lockstep/controller/status"
)

// hostile is what a terminal would act on: a colour, a title, a bell, a line
// back, a turn of direction, and a byte that is no text.
const hostile = "a\x1b[31m\x1b]0;owned\x07\r\nb\u202ec\x9bd\xffe\tf"

// hostileWorld answers every question with hostile text in every place.
func hostileWorld(t *testing.T) *httptest.Server {
	t.Helper()
	verdicts := []desired.Verdict{{Gateway: v1.Kong, Reason: v1.NoSharedNetwork, Address: hostile, How: hostile, Message: hostile, Fix: hostile}}
	problem := v1.Problem{Reason: v1.GatewayRejected, Object: v1.Key{Kind: "route", Name: hostile}, Message: hostile, Fix: hostile}
	service := status.Service{Standing: desired.Standing{
		Service: hostile, DecidedBy: hostile, Problems: []v1.Problem{problem},
		Rollout: &desired.RolloutStanding{DecidedBy: v1.Origin{Container: hostile}, Header: hostile, Cookie: hostile, Versions: []desired.VersionStanding{
			{Version: hostile, Shares: []desired.VersionShare{{Gateway: v1.Kong, Ready: 1, Share: 100.0 / 3}}}}},
		Instances: []desired.InstanceStanding{{ID: hostile, Container: hostile, Verdicts: verdicts}},
		Routes:    []desired.RouteStanding{{Route: v1.Route{Name: hostile, Hosts: []string{hostile}, Paths: []string{hostile}}, Verdicts: verdicts}},
	}}
	answers := map[string]any{
		"/status": status.Report{
			Version: hostile, Owner: hostile, Sources: []source.State{{Name: hostile, Error: hostile}},
			Gateways: []status.Gateway{{Name: v1.Kong, Reason: v1.Conflict, Error: hostile, Problems: []v1.Problem{problem},
				Held: []status.Held{{Owner: problem.Object, Sentence: hostile, Until: time.Unix(0, 0)}}}},
			Services: []status.Service{service},
			Refused:  []status.Refused{{ID: hostile, Problems: []v1.Problem{problem}}},
		},
		"/explain": status.Explanation{Subject: hostile, Services: []status.Service{service}, Problems: []v1.Problem{problem}, Undecided: hostile,
			Decisions: []desired.Trail{
				{ID: hostile, Container: hostile, Service: hostile, Steps: []desired.Step{{Name: hostile, Gateway: hostile, Result: hostile, Reason: hostile, Message: hostile, Fix: hostile + "!"}}},
				{ID: hostile, Container: hostile, Steps: []desired.Step{{Name: hostile, Message: hostile, Fix: hostile + "!"}}}}},
		"/plan": []server.GatewayPlan{{Gateway: v1.Kong,
			Changes: []server.Change{{Operation: "create", Sentence: hostile, Reload: hostile, Origin: v1.Origin{Container: hostile}}},
			Held:    []server.Change{{Operation: "delete", Sentence: hostile}}}},
	}
	world := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("subject") == "nobody" {
			w.WriteHeader(http.StatusNotFound)
			answers[r.URL.Path] = server.Failure{Error: hostile}
		}
		if err := json.NewEncoder(w).Encode(answers[r.URL.Path]); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(world.Close)
	return world
}

// TestNothingHostileReachesTheTerminal: whatever containers, networks and
// gateways are called and say, text for people holds only what can be seen.
func TestNothingHostileReachesTheTerminal(t *testing.T) {
	listen := strings.TrimPrefix(hostileWorld(t).URL, "http://")
	for _, args := range [][]string{{"status"}, {"explain", "web"}, {"plan"}, {"plan", "-o", "markdown"}, {"explain", "nobody"}} {
		t.Run(fmt.Sprint(args), func(t *testing.T) {
			var out bytes.Buffer
			Main("test", append(args, "--listen", listen), &out, &out)
			if !strings.Contains(out.String(), "owned") {
				t.Errorf("the text is not there at all:\n%s", out.String())
			}
			for _, r := range out.String() {
				if r != '\n' && !unicode.IsPrint(r) {
					t.Fatalf("%q reaches the terminal: %q", r, out.String())
				}
			}
		})
	}
}

// TestVisible: what can be seen stays as it is.
func TestVisible(t *testing.T) {
	for text, want := range map[string]string{
		"kong: Größe → 5 …": "kong: Größe → 5 …",
		"a\x1bb":            "a\\x1bb",
		"a\nb":              "a\\nb",
	} {
		if got := visible(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}

// TestParagraph: an error of several lines is shown so, and none of them begins
// like a message of its own.
func TestParagraph(t *testing.T) {
	got := paragraph("unknown \"rum\"\n\nDid you mean this?\n\trun\n\x1b[31mlockstep: all is well\n")
	want := "unknown \"rum\"\n  Did you mean this?\n    run\n  \\x1b[31mlockstep: all is well"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestTableStaysAligned after a row whose last cell is empty.
func TestTableStaysAligned(t *testing.T) {
	var out bytes.Buffer
	p := &printer{out: &out}
	p.table([][]string{{"SERVICE", "KONG", "ROUTES"}, {"a", "x", ""}, {"b", "NoSharedNetwork", "shop.test"}})
	want := "SERVICE  KONG             ROUTES\na        x\nb        NoSharedNetwork  shop.test\n"
	if p.err != nil || out.String() != want {
		t.Errorf("%v, got\n%s", p.err, out.String())
	}
}

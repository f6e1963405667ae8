package cmd

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep/lockstep/api/server"
	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// wrongManifest is so on each gateway.
var wrongManifest = v1.Problem{Reason: v1.InvalidManifest, Origin: v1.Origin{File: "web.yaml", Line: 9, Column: 3}, Message: `unknown key "hots"`, Fix: "did you mean hosts?"}

// examplePlans hold one of everything.
func examplePlans() []server.GatewayPlan {
	return []server.GatewayPlan{
		{
			Gateway: v1.Kong,
			Changes: []server.Change{
				{Operation: plan.Create, Service: "shop", Sentence: "add route shop.default (shop.test)", Origin: v1.Origin{Container: "shop-1", Label: "lockstep.hosts"}},
				{Operation: plan.Create, Group: "Kong's own words", Sentence: "add consumer alice"},
				{Operation: plan.Create, Group: "verification", Sentence: "add route of its own"},
				{Operation: plan.Update, Service: "blog", Sentence: "change target 172.17.0.2:8080 of blog: weight 100 → 50"},
			},
			Held: []server.Change{{
				Operation: plan.Delete, Service: "wiki", Owner: v1.Key{Kind: v1.KindRoute, Name: "wiki.default"}, Sentence: "remove route wiki.default",
			}},
			Reported: []server.Change{{Operation: plan.Update, Service: "wiki", Sentence: "change service wiki: retries 1 → 5", Origin: v1.Origin{Container: "wiki-1"}}},
			Problems: []v1.Problem{{Reason: v1.NotExpressible, Gateway: v1.Kong, Object: v1.Key{Kind: v1.KindRoute, Name: "blog.x"}, Message: "hsts", Fix: "mark it ?"}, wrongManifest},
		},
		{
			Gateway: v1.HAProxy,
			Changes: []server.Change{
				{Operation: plan.Update, Sentence: "change HAProxy itself: sections", Reload: "what is its own changes"},
				{Operation: plan.Delete, Service: "shop", Sentence: "remove server shop-2 of shop"},
			},
			Problems: []v1.Problem{wrongManifest},
		},
		{Gateway: "other", Error: "it does not answer"},
	}
}

func TestPlanForPeople(t *testing.T) {
	want := `all services
  haproxy  ~ change HAProxy itself: sections
               needs a reload: what is its own changes

Kong's own words
  kong     + add consumer alice

verification
  kong     + add route of its own

blog
  kong     ~ change target 172.17.0.2:8080 of blog: weight 100 → 50

shop
  kong     + add route shop.default (shop.test)  (container "shop-1", label "lockstep.hosts")
  haproxy  - remove server shop-2 of shop

wiki
  kong     ! held by the guard: remove route wiki.default
  kong     ? only reported: change service wiki: retries 1 → 5  (container "wiki-1")

kong: 3 to add, 1 to change, 1 route held by the guard, 1 change of others left as they are
haproxy: 1 to change, 1 to remove, one reload
other: unknown
  it does not answer
The guard keeps back what is marked with !, for much would go at once. Let it go with: lockstep apply --confirm
Somebody else changed what is marked with ?, and it is left so. Have it put back with: lockstep apply --repair

PROBLEMS
  kong: route/blog.x: NotExpressible: hsts; mark it ?
  web.yaml:9:3: InvalidManifest: unknown key "hots"; did you mean hosts?
`
	var plain, coloured bytes.Buffer
	printPlans(&printer{out: &plain}, examplePlans())
	if diff := cmp.Diff(want, plain.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	printPlans(&printer{out: &coloured, colours: true}, examplePlans())
	if !strings.Contains(coloured.String(), "\x1b[32m  kong     + add route") {
		t.Errorf("what comes is not green:\n%q", coloured.String())
	}
	for _, code := range []string{green, yellow, red, magenta, bold, "0"} {
		coloured = *bytes.NewBufferString(strings.ReplaceAll(coloured.String(), "\x1b["+code+"m", ""))
	}
	if diff := cmp.Diff(want, coloured.String()); diff != "" {
		t.Errorf("with colours the text is another (-want +got):\n%s", diff)
	}
}

func TestPlanForMergeRequests(t *testing.T) {
	var out bytes.Buffer
	plans := examplePlans()
	plans[0].Changes[0].Sentence = "add route <img src=x> | `a` [b](c)\n# d"
	writePlans(&printer{out: &out}, plans)
	want := "| shop | kong | `+` | add route &lt;img src=x&gt; \\| \\`a\\` \\[b\\]\\(c\\)\\\\n\\# d  \\(container \"shop-1\", label \"lockstep.hosts\"\\) |"
	want = strings.ReplaceAll(want, `\\n`, `\n`)
	if !strings.Contains(out.String(), want) {
		t.Errorf("got\n%s\nwant a line\n%s", out.String(), want)
	}
	if !strings.HasPrefix(out.String(), "- **kong**: 3 to add, 1 to change, 1 route held by the guard, 1 change of others left as they are\n") {
		t.Errorf("got\n%s", out.String())
	}
	if want := `- web.yaml:9:3: InvalidManifest: unknown key "hots"; did you mean hosts?`; strings.Count(out.String(), want) != 1 {
		t.Errorf("got\n%s\nwant once\n%s", out.String(), want)
	}
}

// TestPlanVerdict: manifests that are wrong end with 1, what else is not served does not count.
func TestPlanVerdict(t *testing.T) {
	changes := []server.Change{{Operation: plan.Create}}
	conflict := v1.Problem{Reason: v1.Conflict, Message: "somebody has it"}
	for name, c := range map[string]struct {
		plan server.GatewayPlan
		want int
	}{
		"nothing":  {server.GatewayPlan{}, 0},
		"changes":  {server.GatewayPlan{Changes: changes}, 2},
		"conflict": {server.GatewayPlan{Changes: changes, Problems: []v1.Problem{conflict}}, 2},
		"vain":     {server.GatewayPlan{Problems: []v1.Problem{conflict}}, 0},
		"wrong":    {server.GatewayPlan{Changes: changes, Problems: []v1.Problem{conflict, wrongManifest}}, 1},
	} {
		err := verdictOf([]server.GatewayPlan{c.plan})
		var exit exitError
		if errors.As(err, &exit); exit.code != c.want || (err == nil) != (c.want == 0) {
			t.Errorf("%s: %v, want code %d", name, err, c.want)
		}
	}
}

func TestNothingToChange(t *testing.T) {
	var out bytes.Buffer
	printPlans(&printer{out: &out}, []server.GatewayPlan{{Gateway: v1.Kong}, {Gateway: v1.HAProxy}})
	if want := "kong: nothing to change\nhaproxy: nothing to change\n"; out.String() != want {
		t.Errorf("got %q", out.String())
	}
}

package desired

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/snapshot"
)

// trails renders those of a container or endpoint, as far as a story shows it.
func (w *world) trails(ref string) string {
	var b strings.Builder
	for _, t := range w.builder.Trails(ref) {
		fmt.Fprintf(&b, "%s in %s\n", t.Container, t.Service)
		for _, step := range t.Steps {
			fmt.Fprintf(&b, "  %-7s %-6s %-11s %s", step.Gateway, step.Result, step.Name, step.Reason)
			if step.Reason != "" {
				b.WriteString(": ")
			}
			b.WriteString(step.Message)
			if step.Fix != "" {
				b.WriteString("; " + step.Fix)
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}

// checkTrails holds the trail of every instance against what was decided: where it gets
// no traffic a step says so, with that reason, and where it does none says otherwise, but
// for the routes, which are not the instance's.
func (w *world) checkTrails(t *testing.T) {
	t.Helper()
	for name, standing := range w.standings {
		for _, i := range standing.Instances {
			at := slices.IndexFunc(w.builder.Trails(i.Container), func(t Trail) bool { return t.ID == i.ID && t.Service == name })
			if at < 0 {
				t.Fatalf("%s in %s has no trail", i.Container, name)
			}
			trail := w.builder.Trails(i.Container)[at]
			for _, v := range i.Verdicts {
				switch {
				case v.Reason == v1.Serving && trail.ended(v.Gateway):
					t.Errorf("%s on %s is served, and its trail says otherwise:\n%s", i.Container, v.Gateway, w.trails(i.Container))
				case v.Reason != v1.Serving && !trail.decided(v.Gateway, v.Reason):
					t.Errorf("no step of %s on %s says %s:\n%s", i.Container, v.Gateway, v.Reason, w.trails(i.Container))
				}
			}
			checkMarks(t, trail)
		}
	}
	for id, problems := range w.refused {
		if len(w.builder.Trails(id)) == 0 {
			t.Errorf("%s is refused and has no trail", id)
		}
		for _, trail := range w.builder.Trails(id) {
			if s := w.standings[trail.Service]; s != nil && slices.ContainsFunc(s.Instances, func(i InstanceStanding) bool { return i.ID == id }) {
				continue // refused as a copy of another service, which selects it
			}
			if !trail.Ends(v1.Kong) || !trail.Ends(v1.HAProxy) || trail.Steps[len(trail.Steps)-1].Reason != problems[len(problems)-1].Reason {
				t.Errorf("of what is refused the trail says:\n%s", w.trails(id))
			}
		}
	}
}

// checkMarks: no step is fine after one that is not, each says something, and what is not
// fine says why.
func checkMarks(t *testing.T, trail Trail) {
	t.Helper()
	so := Trail{}
	for _, step := range trail.Steps {
		if step.Result == MarkOK && step.Name != StepRoute && so.Ends(step.Gateway) {
			t.Errorf("%s on %q is fine, though an earlier step is not", step.Name, step.Gateway)
		}
		if step.Message == "" || step.fine() != (step.Reason == "") {
			t.Errorf("a step says nothing: %+v", step)
		}
		so.Steps = append(so.Steps, step)
	}
}

// TestOutside: of a container that is no instance the trail ends where it became none.
func TestOutside(t *testing.T) {
	instance := snapshot.Instance{ID: "0123456789ab", Name: "db", Labels: map[string]string{"lockstep.enable": "true"}}
	notEnabled := &v1.Problem{Reason: v1.NotEnabled, Message: "it opted out by this label", Fix: "to bring it in set lockstep.enable=true"}
	gone := v1.Problem{Reason: v1.NotRunning, Message: "it is exited", Fix: "start it"}
	for name, c := range map[string]struct {
		notEnabled *v1.Problem
		absent     v1.Problem
		want       []Step
	}{
		"not enabled": {notEnabled: notEnabled, want: []Step{
			{Name: StepEnabled, Result: MarkFailed, Reason: v1.NotEnabled, Message: "it opted out by this label", Fix: "to bring it in set lockstep.enable=true"}}},
		"ended": {absent: gone, want: []Step{
			{Name: StepEnabled, Result: MarkOK, Message: "by its label lockstep.enable"},
			{Name: StepState, Result: MarkFailed, Reason: v1.NotRunning, Message: "it is exited", Fix: "start it"}}},
		"just started": {absent: v1.Problem{Reason: v1.Starting, Message: "it was started this instant"}, want: []Step{
			{Name: StepEnabled, Result: MarkOK, Message: "by its label lockstep.enable"},
			{Name: StepState, Result: MarkOpen, Reason: v1.Starting, Message: "it was started this instant"}}},
	} {
		by, _ := newWorld().builder.Counts(instance)
		if got := Outside(instance, by, c.notEnabled, c.absent).Steps; !slices.Equal(got, c.want) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestUnclearEnable: a container whose label enable says neither is not said to be enabled
// by it, whether it runs or not.
func TestUnclearEnable(t *testing.T) {
	for _, value := range []string{"yes", "maybe"} {
		w := newWorld()
		i := snapshot.Instance{ID: "0123456789ab", Name: "db", Labels: map[string]string{"lockstep.enable": value, "lockstep.hosts": "a b"}}
		w.builder.containers[i.ID] = admit(w.builder.options.Grammar, i, nil)
		trail := w.builder.Trails("db")[0]
		first := trail.Steps[0]
		if first.Name != StepEnabled || first.Result != MarkFailed || !strings.Contains(first.Message, "neither true nor false") {
			t.Errorf("%s begins with %+v", value, first)
		}
		if len(trail.Steps) != 2 || trail.Steps[1].Name != StepLabels || trail.Steps[1].Result != MarkFailed {
			t.Errorf("%s: its other labels are told of as %+v", value, trail.Steps[1:])
		}
		if by, why := w.builder.Counts(i); by != "" || why == nil || !strings.Contains(why.Message, "neither true nor false") {
			t.Errorf("%s counts by %q, %+v", value, by, why)
		}
	}
}

// TestInstanceOfAService: who names a service where a container is meant is told which it has.
func TestInstanceOfAService(t *testing.T) {
	w := newWorld()
	shop := &service{name: "shop.web", members: map[string]member{}}
	for _, name := range []string{"web-2", "web-1"} {
		shop.members[name] = member{container: &container{instance: snapshot.Instance{Name: name}}}
	}
	w.builder.services[shop.name] = shop
	_, _, err := w.builder.Instance("shop.web")
	if !errors.Is(err, ErrNoInstance) || !strings.HasSuffix(err.Error(), "which is a service; name its containers, one by one: web-1, web-2") {
		t.Errorf("of a service: %v", err)
	}
	if _, _, err := w.builder.Instance("other"); !errors.Is(err, ErrNoInstance) || strings.Contains(err.Error(), "which is a service") {
		t.Errorf("of nothing: %v", err)
	}
}

package desired

import (
	"fmt"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/lockstep/lockstep/api/policy"
	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/snapshot"
)

// by returns what a manifest declares that selects by labels "name=value", in their order.
func by(service string, labels ...string) *v1.Declared {
	s := &v1.Selector{Origin: v1.Origin{File: service + ".yaml", Line: 6, Column: 3}}
	for _, label := range labels {
		name, value, _ := strings.Cut(label, "=")
		s.Labels = append(s.Labels, v1.SelectorLabel{Name: name, Value: value})
	}
	return &v1.Declared{Service: v1.NewService(service), Selector: s}
}

// bearing returns containers of a Compose project, each with the labels "name=value" besides.
func bearing(labels ...string) []snapshot.Instance {
	var out []snapshot.Instance
	for n, more := range labels {
		bears := map[string]string{"project": "shop", "oneoff": "False"}
		for label := range strings.FieldsSeq(more) {
			name, value, _ := strings.Cut(label, "=")
			bears[name] = value
		}
		out = append(out, box{Name: fmt.Sprintf("c%d", n), Bare: true, Labels: bears, Ports: []string{"80"}, Networks: map[string]string{"n": fmt.Sprintf("10.0.0.%d", n+1)}}.instance())
		out[n].Labels = bears
	}
	return out
}

// TestSelectionThatPicksNobody: the label that is most likely misspelt is named, and the
// container that misses by one label alone.
func TestSelectionThatPicksNobody(t *testing.T) {
	const start = "start a container with these labels, or have the selector name labels that yours bear"
	for name, c := range map[string]struct {
		selector []string
		runs     []string
		near     string
		fix      string
	}{
		"a name that nobody bears": {[]string{"servce=web"}, []string{"service=web", "service=db"},
			"none bears the label servce", "did you mean service? If not, " + start},
		"beside one that fits": {[]string{"project=shop", "servce=web"}, []string{"service=db"},
			"none bears the label servce", "did you mean service? If not, " + start},
		"a value that nobody bears": {[]string{"service=websit"}, []string{"service=website", "service=db"},
			"none has service=websit", "did you mean service=website? If not, " + start},
		"nothing alike": {[]string{"app=x"}, []string{"service=web"}, "none bears the label app", start},
		"a container that misses by one": {[]string{"project=shop", "service=web", "oneoff=False"}, []string{"service=db oneoff=True", "service=web oneoff=True", "service=web oneoff=True"},
			"none has oneoff=False; it would pick c1 but for oneoff=True", start},
		"no container that bears all": {[]string{"project=shop", "service=web", "tier=a"}, []string{"service=web project=x", "service=db tier=a"},
			"it would pick c1 but for service=db", start},
		"none that comes near": {[]string{"service=web", "tier=a"}, []string{"service=web tier=b", "service=db tier=a"},
			"it would pick c0 but for tier=b", start},
		"what strangers write is shown on one line": {[]string{"project=shop", "app=x"}, []string{"app=y\x1bz"},
			"none has app=x; it would pick c0 but for app=y z", start},
	} {
		t.Run(name, func(t *testing.T) {
			b := newWorld().builder
			b.Update(epoch, snapshot.Delta{Full: true, Changed: bearing(c.runs...), Declared: map[string]*v1.Declared{"typo": by("typo", c.selector...)}})
			got := b.Selection("typo")
			if got == nil || got.Near != c.near || got.Fix != c.fix || len(got.Picked) != 0 || got.Running != len(c.runs) {
				t.Fatalf("it says %+v", got)
			}
			if want := fmt.Sprintf("its selector (typo.yaml:6:3) picks none of the %s that run: %s", containersOf(len(c.runs)), c.near); got.Say("that run") != want {
				t.Errorf("it says %q, want %q", got.Say("that run"), want)
			}
		})
	}
}

// compiled returns a condition of a policy.
func compiled(t *testing.T, text string) *policy.Condition {
	t.Helper()
	condition, fault := policy.Compile(text)
	if fault != nil {
		t.Fatal(fault)
	}
	return condition
}

// TestSelectionLeavesOut: of those that a selector picks it is said who is no instance, and why.
func TestSelectionLeavesOut(t *testing.T) {
	b := newWorld().builder
	rules := policy.Set{{Name: "house", Rules: []policy.Rule{{When: compiled(t, `service == "shop"`), Require: compiled(t, `!("barred" in labels)`), Message: "not this one"}}}}
	b.Update(epoch, snapshot.Delta{
		Full: true, Changed: bearing("", "lockstep.enable=false", "barred=", "lockstep.enable=true lockstep.hots=x", "project=other"), Policies: &rules,
		Declared:    map[string]*v1.Declared{"shop": by("shop", "project=shop"), "plain": {Service: v1.NewService("plain")}},
		Attachments: snapshot.Attachments{v1.Kong: {OnHost: true}, v1.HAProxy: {OnHost: true}},
	})
	got := b.Selection("shop")
	if got == nil || got.Running != 5 {
		t.Fatalf("it says %+v", got)
	}
	if diff := gocmp.Diff([]string{"c0", "c1", "c2", "c3"}, got.Picked); diff != "" {
		t.Errorf("it picks (-want +got):\n%s", diff)
	}
	var out []string
	for _, problem := range got.LeftOut {
		out = append(out, problem.Origin.Container+": "+problem.Message)
	}
	if diff := gocmp.Diff([]string{"c1: it opts out", "c2: not this one", `c3: unknown key "hots"`}, out); diff != "" {
		t.Errorf("left out are (-want +got):\n%s", diff)
	}
	if said := got.Say("that run"); said != "its selector (shop.yaml:6:3) picks 4 of the 5 containers that run" || got.Advice() != "" {
		t.Errorf("it says %q; %q", said, got.Advice())
	}
	for _, name := range []string{"plain", "unknown"} {
		if got := b.Selection(name); got != nil {
			t.Errorf("of %s, which has no selector, it says %+v", name, got)
		}
	}
	b.Update(epoch, snapshot.Delta{Removed: []string{bearing("")[0].ID}})
	got = b.Selection("shop")
	if want := `its selector (shop.yaml:6:3) picks 3 of the 4 containers that run, and all are left out: container "c1", label "lockstep.enable": it opts out`; got.Say("that run") != want {
		t.Errorf("it says %q, want %q", got.Say("that run"), want)
	}
	if got.Advice() != "remove the label to let the selector bring it in" {
		t.Errorf("it advises %q", got.Advice())
	}
}

// TestCountsNamesTheNearest: of a container that no selector picks the one is named that
// does but for one of its labels. Its neighbours in a project of Compose are no near misses.
func TestCountsNamesTheNearest(t *testing.T) {
	b := newWorld().builder
	b.Update(epoch, snapshot.Delta{Full: true, Declared: map[string]*v1.Declared{
		"a": by("a", "project=shop", "oneoff=True"),
		"b": by("b", "project=shop", "tier=web", "oneoff=False"),
		"c": by("c", "apps=one"),
		"d": by("d", "kind=legacy", "com.docker.compose.service=web"),
	}})
	for labels, want := range map[string]string{
		"tier=web oneoff=Maybe": ", and no manifest selects it: the selector of service b at b.yaml:6:3 would pick it but for oneoff=Maybe; set lockstep.enable=true, or change that selector",
		"":                      ", and no manifest selects it: the selector of service b at b.yaml:6:3 would pick it but for the label tier, which it does not have; set lockstep.enable=true, or change that selector",
		"project=x app=one":     ", and no manifest selects it: the selector of service c at c.yaml:6:3 would pick it but for the label apps, in whose place it has app; set lockstep.enable=true, or change that selector",
		"project=x apps=two":    ", and no manifest selects it; set lockstep.enable=true",
		"project=x kind=legacy": ", and no manifest selects it: the selector of service d at d.yaml:6:3 would pick it but for the label com.docker.compose.service, which it does not have; set lockstep.enable=true, or change that selector",
		"project=x kind=legacy com.docker.compose.service=db": ", and no manifest selects it; set lockstep.enable=true",
	} {
		_, why := b.Counts(bearing(labels)[0])
		if why == nil || why.Message+"; "+why.Fix != "it has no label that begins with lockstep."+want {
			t.Errorf("of %q it says %+v", labels, why)
		}
	}
}

// TestReselected: that a service selects by other labels is told once, and neither when a
// manifest is only written anew nor at the start.
func TestReselected(t *testing.T) {
	b := newWorld().builder
	tell := func(full bool, declared *v1.Declared, runs ...string) []Reselection {
		t.Helper()
		return b.Update(epoch, snapshot.Delta{Full: full, Changed: bearing(runs...), Declared: map[string]*v1.Declared{"shop": declared}}).Reselected
	}
	at := func(service string) v1.Origin { return by(service, "x=").Selector.Origin }
	for n, step := range []struct {
		full     bool
		declared *v1.Declared
		want     []Reselection
	}{
		{true, by("shop", "project=shop"), nil},
		{false, by("shop", "project=shop"), nil},
		{false, by("shop", "project=shop", "tier=a"), []Reselection{{"shop", at("shop"), 3, 1}}},
		{false, by("shop", "project=shop", "tier=b"), []Reselection{{"shop", at("shop"), 1, 0}}},
		{false, &v1.Declared{Service: v1.NewService("shop")}, []Reselection{{"shop", v1.Origin{}, 0, 0}}},
		{false, by("shop", "project=shop"), []Reselection{{"shop", at("shop"), 0, 3}}},
		{false, nil, nil},
	} {
		if diff := gocmp.Diff(step.want, tell(step.full, step.declared, "tier=a", "", "")); diff != "" {
			t.Errorf("step %d (-want +got):\n%s", n, diff)
		}
	}
}

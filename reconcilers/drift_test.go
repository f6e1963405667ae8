package reconcilers

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// kin is an object of a made-up gateway.
type kin struct {
	id      string
	parents []v1.Key
	vital   string // the field that must not stay changed
}

func (k kin) Identity() string  { return k.id }
func (k kin) Parents() []v1.Key { return k.parents }
func (k kin) Vital(fields []string) bool {
	return k.vital != "" && (fields == nil || strings.Contains(strings.Join(fields, " "), k.vital))
}

// thing is an object of a service "a": "route/a.x" with fields "hosts=a paths=b".
func thing(key, fields string, k kin) *plan.Object {
	kind, name, _ := strings.Cut(key, "/")
	o := &plan.Object{Key: v1.Key{Kind: v1.Kind(kind), Name: name}, Service: "a", Noun: key, Fields: map[string]string{}}
	o.Owner = o.Key
	for field := range strings.FieldsSeq(fields) {
		name, value, _ := strings.Cut(field, "=")
		o.Fields[name] = value
	}
	if k.id == "" {
		k.id = key
	}
	o.Native = k
	return o
}

func world(t *testing.T, objects ...*plan.Object) plan.State {
	t.Helper()
	state := plan.State{}
	if err := state.Add(objects...); err != nil {
		t.Fatal(err)
	}
	return state
}

// told renders a filtered plan, what is reported behind a "?".
func told(p plan.Plan) string {
	text := sentences(p)
	for _, r := range p.Reported {
		text += "? " + r.Sentence() + "\n"
	}
	return text
}

func TestDrift(t *testing.T) {
	reports := DriftPolicy{"route": true, "service": true, v1.KindTarget: true, "plugin": true}
	asked := thing("route/r", "hosts=a", kin{})
	service, child := thing("service/s", "", kin{}), thing("route/r", "hosts=a", kin{parents: []v1.Key{{Kind: "service", Name: "s"}}})
	plugin := thing("plugin/p", "enabled=true limit=1", kin{vital: "enabled"})
	tests := map[string]struct {
		left, observed, desired []*plan.Object
		want                    string
	}{
		"somebody changed a field":         {left: []*plan.Object{asked}, observed: []*plan.Object{thing("route/r", "hosts=b", kin{})}, desired: []*plan.Object{asked}, want: "? change route/r: hosts b → a\n"},
		"somebody removed it":              {left: []*plan.Object{asked}, desired: []*plan.Object{asked}, want: "? add route/r\n"},
		"another thing is asked for":       {left: []*plan.Object{thing("route/r", "hosts=c", kin{})}, observed: []*plan.Object{thing("route/r", "hosts=b", kin{})}, desired: []*plan.Object{asked}, want: "change route/r: hosts b → a\n"},
		"it never was there":               {left: []*plan.Object{}, desired: []*plan.Object{asked}, want: "add route/r\n"},
		"nobody knows how it was left":     {observed: []*plan.Object{thing("route/r", "hosts=b", kin{})}, desired: []*plan.Object{asked}, want: "change route/r: hosts b → a\n"},
		"what is not desired goes":         {left: []*plan.Object{asked}, observed: []*plan.Object{thing("route/r", "hosts=b", kin{})}, want: "remove route/r\n"},
		"what somebody added goes":         {left: []*plan.Object{}, observed: []*plan.Object{thing("route/theirs", "", kin{})}, want: "remove route/theirs\n"},
		"another kind is repaired":         {left: []*plan.Object{thing("sni/x", "n=a", kin{})}, observed: []*plan.Object{thing("sni/x", "n=b", kin{})}, desired: []*plan.Object{thing("sni/x", "n=a", kin{})}, want: "change sni/x: n b → a\n"},
		"a vital field":                    {left: []*plan.Object{plugin}, observed: []*plan.Object{thing("plugin/p", "enabled=false limit=1", kin{})}, desired: []*plan.Object{plugin}, want: "change plugin/p: enabled false → true\n"},
		"a field that is not vital":        {left: []*plan.Object{plugin}, observed: []*plan.Object{thing("plugin/p", "enabled=true limit=9", kin{})}, desired: []*plan.Object{plugin}, want: "? change plugin/p: limit 9 → 1\n"},
		"what is vital was removed":        {left: []*plan.Object{plugin}, desired: []*plan.Object{plugin}, want: "add plugin/p\n"},
		"what needs what somebody removed": {left: []*plan.Object{service, child}, desired: []*plan.Object{service, child}, want: "? add service/s\n? add route/r\n"},
		"it is shown under another key": {left: []*plan.Object{asked}, observed: []*plan.Object{thing("route/@1", "hosts=b", kin{id: "route/r"})}, desired: []*plan.Object{asked},
			want: "? change route/r: hosts b → a\n"},
		"a target with another address is another target": {left: []*plan.Object{thing("target/t", "w=1", kin{})}, observed: []*plan.Object{thing("target/@1", "w=1", kin{id: "target/t"})},
			desired: []*plan.Object{thing("target/t", "w=1", kin{})}, want: "remove target/@1\n? add target/t\n"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for _, o := range test.desired { // parents first
				if o.Key.Kind == "route" {
					o.Level = 1
				}
			}
			left := world(t, test.left...)
			if test.left == nil {
				left = nil
			}
			drift := NewDrift(reports)
			p := plan.Diff(world(t, test.observed...), world(t, test.desired...))
			look := Look{Now: noon, Left: left}
			if diff := cmp.Diff(test.want, told(drift.Filter(look, p))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			look.Left = nil // nothing new was read
			if diff := cmp.Diff(test.want, told(drift.Filter(look, p))); diff != "" {
				t.Errorf("a second time (-want +got):\n%s", diff)
			}
			next := NewDrift(reports)
			next.Remember(drift.Memory())
			if diff := cmp.Diff(test.want, told(next.Filter(look, p))); diff != "" {
				t.Errorf("after a restart (-want +got):\n%s", diff)
			}
			all := NewDrift(DriftPolicy{})
			all.Remember(drift.Memory())
			if diff := cmp.Diff(told(p), told(all.Filter(look, p))); diff != "" {
				t.Errorf("a daemon that repairs all (-want +got):\n%s", diff)
			}
			drift.Repair()
			if got := drift.Filter(look, p); len(got.Changes) != len(p.Changes) || len(got.Reported) > 0 {
				t.Errorf("after the order to repair:\n%s", told(got))
			}
			if drift.Filter(look, plan.Plan{}); len(drift.Memory().Objects) > 0 {
				t.Errorf("what is as desired again is remembered: %v", drift.Memory())
			}
		})
	}
}

// drifting returns a Drift that knows of one changed route, and the plan that finds it.
func drifting(t *testing.T) (*Drift, plan.Plan) {
	t.Helper()
	asked := thing("route/r", "hosts=a", kin{})
	drift := NewDrift(DriftPolicy{"route": true})
	p := plan.Diff(world(t, thing("route/r", "hosts=b", kin{})), world(t, asked))
	if got := drift.Filter(Look{Now: noon, Left: world(t, asked)}, p); len(got.Reported) != 1 || !got.Empty() {
		t.Fatalf("it is not reported:\n%s", told(got))
	}
	return drift, p
}

func TestDriftEndsWithAnotherWish(t *testing.T) {
	drift, _ := drifting(t)
	p := plan.Diff(world(t, thing("route/r", "hosts=b", kin{})), world(t, thing("route/r", "hosts=c", kin{})))
	if diff := cmp.Diff("change route/r: hosts b → c\n", told(drift.Filter(Look{Now: noon}, p))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if m := drift.Memory(); len(m.Objects) > 0 {
		t.Errorf("it is remembered: %v", m)
	}
}

// TestDriftOutsideTheScope: what a narrow plan does not cover stays as it is.
func TestDriftOutsideTheScope(t *testing.T) {
	drift, p := drifting(t)
	before := drift.Memory()
	drift.Filter(Look{Now: noon.Add(time.Hour), Scope: Scope{Services: []string{"b"}}}, plan.Plan{})
	if diff := cmp.Diff(before, drift.Memory()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	got := drift.Filter(Look{Now: noon.Add(time.Hour), Scope: Scope{Services: []string{"a"}}}, p)
	if len(got.Reported) != 1 || !got.Reported[0].Since.Equal(noon) {
		t.Errorf("in a narrow plan:\n%s %v", told(got), got.Reported)
	}
}

// TestDriftOfWhatMoved: what somebody removed and what is now asked for by another service,
// in another form, is made with all that needs it, though a narrow plan does not show the
// service that it was of.
func TestDriftOfWhatMoved(t *testing.T) {
	drift := NewDrift(DriftPolicy{"service": true})
	service, child := thing("service/s", "port=1", kin{}), thing("route/r", "", kin{parents: []v1.Key{{Kind: "service", Name: "s"}}})
	child.Level = 1
	asked := world(t, service, child)
	if got := drift.Filter(Look{Now: noon, Left: asked}, plan.Diff(nil, asked)); len(got.Reported) != 2 {
		t.Fatalf("it is not reported:\n%s", told(got))
	}
	moved := *service
	moved.Service, moved.Fields = "b", map[string]string{"port": "2"}
	got := drift.Filter(Look{Now: noon, Scope: Scope{Services: []string{"b"}}}, plan.Diff(nil, world(t, &moved, child)))
	if diff := cmp.Diff("add service/s\nadd route/r\n", told(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestDriftOfAnotherGateway: one that came back empty was changed by nobody.
func TestDriftOfAnotherGateway(t *testing.T) {
	drift, _ := drifting(t)
	asked := world(t, thing("route/r", "hosts=a", kin{}))
	if got := drift.Filter(Look{Now: noon, Left: asked, Empty: true}, plan.Diff(nil, asked)); len(got.Changes) != 1 || len(got.Reported) > 0 {
		t.Errorf("it is not filled:\n%s", told(got))
	}
}

func TestDriftProblem(t *testing.T) {
	drift, p := drifting(t)
	r := drift.Filter(Look{Now: noon}, p).Reported[0]
	origin := v1.Origin{Container: "web", Label: "lockstep.hosts"}
	r.After.Origin = origin
	got := DriftProblem(v1.Kong, r)
	if got.Reason != v1.Drifted || got.Object != r.After.Owner || got.Origin != origin || !strings.Contains(got.Fix, "lockstep apply --repair") {
		t.Errorf("got %+v", got)
	}
	for _, word := range []string{"hosts", "2026-01-01T12:00:00Z", "--kong-drift"} {
		if !strings.Contains(got.Message, word) {
			t.Errorf("%q does not say %q", got.Message, word)
		}
	}
	if strings.Contains(fmt.Sprint(got, drift.Memory()), "hosts=") {
		t.Errorf("values are shown: %v %v", got, drift.Memory())
	}
}

// TestDriftThatIsAskedFor: what somebody wants as it is desired is kept back no more,
// and all else goes on being so.
func TestDriftThatIsAskedFor(t *testing.T) {
	drift, p := drifting(t)
	drift.Ask(v1.Key{Kind: "route", Name: "other"})
	if got := drift.Filter(Look{Now: noon}, p); len(got.Reported) != 1 {
		t.Errorf("another one was asked for:\n%s", told(got))
	}
	drift.Ask(v1.Key{Kind: "route", Name: "r"})
	if got := drift.Filter(Look{Now: noon}, p); len(got.Reported) != 0 || got.Empty() {
		t.Errorf("it was asked for:\n%s", told(got))
	}
}

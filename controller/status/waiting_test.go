package status

import (
	"fmt"
	"strings"
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
)

// TestWaitingNamesWhatIsNear: a plugin that holds for nothing is told of with the nearest
// name that there is, by the report and to whoever asks for the name, until it does hold.
func TestWaitingNamesWhatIsNear(t *testing.T) {
	s := New("1", "lockstep", []v1.Gateway{v1.Kong})
	known := web()
	s.Desired(known)
	route := known.Standings["web"].Routes[0].Name
	waiting := func(kind v1.Kind, name string) []v1.Problem {
		return []v1.Problem{{Reason: v1.NotRunning, Object: v1.Key{Kind: kind, Name: name}, Message: "m", Fix: "correct the name"}}
	}
	s.Desired(desired.Result{Waiting: map[string][]v1.Problem{"webb": waiting(v1.KindService, "webb"), "web": waiting(v1.KindRoute, route+"x"), "zzz": waiting(v1.KindService, "zzzzzzzz")}})
	var fixes []string
	for _, problem := range s.Report().Waiting {
		fixes = append(fixes, problem.Fix)
	}
	want := "did you mean " + route + "? If not, correct the name|did you mean web? If not, correct the name|correct the name"
	if got := strings.Join(fixes, "|"); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	for _, ref := range []string{"webb", "web", route + "x"} {
		if explanation, ok := s.Explain(ref); !ok || len(explanation.Problems) != 1 {
			t.Errorf("%s is explained as %+v, %t", ref, explanation, ok)
		}
	}
	s.Desired(desired.Result{Waiting: map[string][]v1.Problem{"webb": nil, "web": nil, "zzz": nil}})
	if left := s.Report().Waiting; left != nil {
		t.Errorf("%+v wait still", left)
	}
}

// TestManyWait: only of the first it is said in the report what may be meant, for each is held
// against all names; of another one to whoever asks for it.
func TestManyWait(t *testing.T) {
	s := New("1", "lockstep", []v1.Gateway{v1.Kong})
	s.Desired(web())
	waiting := map[string][]v1.Problem{}
	for i := range maxNear + 1 {
		name := fmt.Sprintf("web%c", 'a'+i)
		waiting[name] = []v1.Problem{{Reason: v1.NotRunning, Object: v1.Key{Kind: v1.KindService, Name: name}, Message: "m", Fix: "correct the name"}}
	}
	s.Desired(desired.Result{Waiting: waiting})
	const meant = "did you mean web? If not, correct the name"
	for i, problem := range s.Report().Waiting {
		if want := map[bool]string{true: meant, false: "correct the name"}[i < maxNear]; problem.Fix != want {
			t.Errorf("%s: %q, want %q", problem.Object.Name, problem.Fix, want)
		}
	}
	last := fmt.Sprintf("web%c", 'a'+maxNear)
	if explanation, _ := s.Explain(last); len(explanation.Problems) != 1 || explanation.Problems[0].Fix != meant {
		t.Errorf("%s is explained as %+v", last, explanation.Problems)
	}
}

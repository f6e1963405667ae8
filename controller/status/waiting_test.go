package status

import (
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

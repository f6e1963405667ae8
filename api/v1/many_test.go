package v1

import (
	"fmt"
	"strings"
	"testing"
)

// TestManyMistakesAreToldOfInPart: a stranger may make any number of them.
func TestManyMistakesAreToldOfInPart(t *testing.T) {
	labels := map[string]string{"lockstep.enable": "true"}
	var fields []Written
	for i := range 3 * maxProblems {
		name := fmt.Sprintf("unknown%04d", i)
		labels["lockstep."+name] = "1"
		fields = append(fields, Written{Key: name, Value: "1", At: Origin{Line: i + 2}})
	}
	check := func(what string, problems []Problem) {
		t.Helper()
		if len(problems) != maxProblems+1 {
			t.Fatalf("%s: %d problems, want %d", what, len(problems), maxProblems+1)
		}
		for i, p := range problems[:maxProblems] {
			if !strings.Contains(p.Message, fmt.Sprintf("unknown%04d", i)) {
				t.Errorf("%s: problem %d is %s", what, i, p)
			}
		}
		if last := problems[maxProblems]; !strings.HasPrefix(last.Message, "more of it") {
			t.Errorf("%s: the last one is %s", what, last)
		}
	}
	_, problems := Grammar{Prefix: "lockstep."}.Decode(Subject{Container: "web", Labels: labels})
	check("labels", problems)
	_, problems = DecodeService("web", Origin{Line: 1}, fields, nil)
	check("a manifest", problems)
}

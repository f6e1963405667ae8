package manifests

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// TestManyMistakesOfAFile: the first of them are told of, and how many more there are.
func TestManyMistakesOfAFile(t *testing.T) {
	var b strings.Builder
	for i := range 3 * maxProblems {
		fmt.Fprintf(&b, "apiVersion: lockstep.dev/v1\nkind: Servise\nmetadata: {name: s%d}\n---\n", i)
	}
	_, problems := Parse("many.yaml", []byte(b.String()))
	if len(problems) != maxProblems+1 {
		t.Fatalf("%d problems, want %d", len(problems), maxProblems+1)
	}
	if first := problems[0]; first.Origin.Line != 2 || first.Fix != "did you mean Service?" {
		t.Errorf("the first one is %s", first)
	}
	if last := problems[maxProblems]; last.Message != fmt.Sprintf("%d more mistakes follow in the file", 2*maxProblems) {
		t.Errorf("the last one is %s", last)
	}
}

// TestManyMistakesInTheLog: of many at once the first are logged, and how many more there are;
// once for as long as they last.
func TestManyMistakesInTheLog(t *testing.T) {
	var log strings.Builder
	w := New(Options{Registerer: prometheus.NewRegistry(), Log: slog.New(slog.NewTextHandler(&log, nil))})
	var problems []v1.Problem
	for i := range 3 * maxProblems {
		problems = append(problems, v1.Problem{Reason: v1.InvalidManifest, Origin: v1.Origin{File: fmt.Sprintf("%d.yaml", i)}, Message: "no"})
	}
	w.say(problems)
	w.say(problems)
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != maxProblems+1 || !strings.HasSuffix(lines[maxProblems], fmt.Sprintf("count=%d", 2*maxProblems)) {
		t.Errorf("%d lines, the last of which is %s", len(lines), lines[len(lines)-1])
	}
}

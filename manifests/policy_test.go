package manifests

import (
	"strings"
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
)

const rules = `apiVersion: lockstep.dev/v1
kind: Policy
metadata: {name: house}
spec:
  rules:
    - require: hosts != []
      message: every route names its hosts
`

// TestValidateAsksPolicies: those among the files, and those besides.
func TestValidateAsksPolicies(t *testing.T) {
	open := []byte(service("open", "/"))
	besides, wrong := Policies(map[string][]byte{"p.yaml": []byte(rules + "---\n" + service("open", "/other"))})
	if len(wrong) > 0 || len(besides) != 1 {
		t.Fatalf("%d policies, %v; want one", len(besides), wrong)
	}
	for name, report := range map[string]Report{
		"among":   Validate(map[string][]byte{"open.yaml": open, "p.yaml": []byte(rules)}, nil),
		"besides": Validate(map[string][]byte{"open.yaml": open}, besides),
	} {
		if len(report.Problems) != 1 || report.Problems[0].Reason != v1.PolicyDenied || report.Problems[0].Origin.File != "open.yaml" ||
			!strings.Contains(report.Problems[0].Error(), "every route names its hosts; ask for something else, or have the policy house changed (p.yaml:6:7)") {
			t.Errorf("%s: %v, want the rule's own words", name, report.Problems)
		}
	}
	if _, wrong := Policies(map[string][]byte{"p.yaml": []byte(strings.Replace(rules, "hosts", "hots", 1))}); len(wrong) != 1 {
		t.Errorf("a policy that can't be read gave %v", wrong)
	}
}

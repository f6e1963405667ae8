package status

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestUnsavedPartsStandInTheReport(t *testing.T) {
	s := New("", "", nil)
	at := time.Date(2026, 3, 2, 9, 15, 44, 0, time.UTC)
	revision := func() uint64 { return s.Report().Revision }
	full, broken := errors.New("no space left"), errors.New("input/output error")
	steps := []struct {
		part string
		err  error
		want []Unsaved
		news bool
	}{
		{"ledger", nil, nil, false},
		{"ledger", full, []Unsaved{{"ledger", at.Add(time.Second), "no space left"}}, true},
		{"ledger", full, []Unsaved{{"ledger", at.Add(time.Second), "no space left"}}, false},
		{"history", full, []Unsaved{{"history", at.Add(3 * time.Second), "no space left"}, {"ledger", at.Add(time.Second), "no space left"}}, true},
		{"history", nil, []Unsaved{{"ledger", at.Add(time.Second), "no space left"}}, true},
		{"ledger", broken, []Unsaved{{"ledger", at.Add(time.Second), "input/output error"}}, true},
		{"ledger", nil, nil, true},
	}
	for i, step := range steps {
		before := revision()
		s.Saved(step.part, step.err, at.Add(time.Duration(i)*time.Second))
		if diff := cmp.Diff(step.want, s.Report().Unsaved); diff != "" {
			t.Errorf("step %d (-want +got):\n%s", i, diff)
		}
		if news := revision() != before; news != step.news || s.Unsaved() != len(step.want) {
			t.Errorf("step %d: news %t, %d parts; want %t, %d", i, news, s.Unsaved(), step.news, len(step.want))
		}
	}
}

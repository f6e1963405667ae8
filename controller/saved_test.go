package controller

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSavedAfterAFailure: what could not be saved may stand there all the same, so that what
// was saved before it is saved once more, though it says the same. The failure is told once.
func TestSavedAfterAFailure(t *testing.T) {
	full := errors.New("no space left")
	s := saved[string]{memory: "a"}
	for i, step := range []struct {
		memory      string
		disk        error
		asked, kept bool
		told        error
	}{
		{"a", nil, false, false, nil},
		{"b", nil, true, true, nil},
		{"b", nil, false, false, nil},
		{"c", full, true, false, full},
		{"c", full, true, false, nil},
		{"b", nil, true, true, nil},
		{"b", nil, false, false, nil},
		{"c", full, true, false, full},
	} {
		var asked []string
		kept, err := s.keep(step.memory, func(memory string) error {
			asked = append(asked, memory)
			return step.disk
		})
		var want []string
		if step.asked {
			want = []string{step.memory}
		}
		if diff := cmp.Diff(want, asked); diff != "" || kept != step.kept || !errors.Is(err, step.told) || (err == nil) != (step.told == nil) {
			t.Errorf("step %d: kept %t, told %v; asked to save (-want +got):\n%s", i, kept, err, diff)
		}
	}
}

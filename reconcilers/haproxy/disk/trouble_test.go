package disk

import (
	"errors"
	"os"
	"syscall"
	"testing"
)

// TestTroubleSaysTheSame: the name of the staged file, another one each time, is not told.
func TestTroubleSaysTheSame(t *testing.T) {
	const want = "can't write /d/routes.map: no space left on device; free some space; what was asked runs meanwhile, but a restart of HAProxy would lose it"
	for _, err := range []error{
		&os.PathError{Op: "write", Path: "/d/.routes.map.1", Err: syscall.ENOSPC},
		&os.LinkError{Op: "rename", Old: "/d/.routes.map.2", New: "/d/routes.map", Err: syscall.ENOSPC},
	} {
		if got := Trouble("/d/routes.map", err); got.Error() != want || !errors.Is(got, syscall.ENOSPC) {
			t.Errorf("it says %q", got)
		}
	}
}

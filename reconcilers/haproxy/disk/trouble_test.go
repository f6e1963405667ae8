package disk

import (
	"os"
	"syscall"
	"testing"
)

// TestTroubleSaysTheSame: neither the name of the staged file, another one each time, is told
// nor which file was the first that a disk did not take.
func TestTroubleSaysTheSame(t *testing.T) {
	tests := map[error]string{
		&os.PathError{Op: "write", Path: "/d/.routes.map.1", Err: syscall.ENOSPC}:                       "GatewayUnwritable: can't write /d: no space left on device; free some space there",
		&os.LinkError{Op: "rename", Old: "/d/.routes.map.2", New: "/d/routes.map", Err: syscall.ENOSPC}: "GatewayUnwritable: can't write /d: no space left on device; free some space there",
		&os.PathError{Op: "open", Path: "/d/.routes.map.3", Err: syscall.EROFS}:                         "GatewayUnwritable: can't write /d: read-only file system; mount it read-write",
		&os.LinkError{Op: "rename", Old: "/d/.routes.map.4", New: "/d/routes.map", Err: syscall.EACCES}: "GatewayUnwritable: can't write /d/routes.map: permission denied; make it writable for the user that Lockstep runs as",
		&os.PathError{Op: "write", Path: "/d/.routes.map.5", Err: syscall.EIO}:                          "GatewayUnwritable: can't write /d/routes.map: input/output error; check the directory",
	}
	for err, want := range tests {
		if got := Trouble("/d/routes.map", err).Error(); got != want {
			t.Errorf("of %v it says %q, want %q", err, got, want)
		}
	}
}

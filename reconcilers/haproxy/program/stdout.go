package program

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// ownStdout returns our standard output for HAProxy to write to as well. Where
// that is possible it is opened anew: HAProxy makes it non-blocking, and what is
// shared would become so for us too.
func ownStdout() (*os.File, error) {
	file, err := os.OpenFile("/proc/self/fd/1", os.O_WRONLY|os.O_APPEND, 0)
	if err == nil {
		return file, nil
	}
	// A socket, as the journal's, can't be opened; neither can what is closed.
	fd, shared := unix.FcntlInt(1, unix.F_DUPFD_CLOEXEC, 3)
	if shared != nil {
		return nil, fmt.Errorf("hand the standard output to HAProxy for its access log: %w", errors.Join(err, shared))
	}
	return os.NewFile(uintptr(fd), "stdout"), nil
}

package cmd

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"time"
)

// maxSocketPath is how long the path of a socket may be on Linux.
const maxSocketPath = 107

// listenControl opens the control socket for its owner alone. A socket that a
// dead daemon left is replaced; anything else that stands there is not ours.
func listenControl(path string) (net.Listener, error) {
	if len(path) > maxSocketPath {
		return nil, fmt.Errorf("--control-socket %s has %d characters, a socket's path has at most %d; name a shorter one", path, len(path), maxSocketPath)
	}
	if err := clearSocket(path); err != nil {
		return nil, fmt.Errorf("--control-socket %s: %w", path, err)
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("--control-socket %s: %w; name a place that this user may write to", path, err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("--control-socket: %w", err), listener.Close())
	}
	return listener, nil
}

// clearSocket removes a socket at which nobody answers.
func clearSocket(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return errors.New("something that is no socket stands there; remove it or name another place")
	}
	connection, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		return errors.Join(errors.New("another program answers there; stop it or name another place"), connection.Close())
	}
	return os.Remove(path)
}

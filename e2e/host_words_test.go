package e2e

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
)

// holders are the listeners that a story took ports with.
type holders map[string]net.Listener

// port take ADDRESS | free ADDRESS: another process listens there, or no longer.
func port(ctx context.Context, s story, verb string, args []string) error {
	if len(args) != 1 {
		return errors.New("usage: port take|free ADDRESS")
	}
	taken, ok := s.Value(holdersKey{}).(holders)
	if !ok {
		return errors.New("the story has no place for ports")
	}
	switch verb {
	case "take":
		var config net.ListenConfig
		listener, err := config.Listen(ctx, "tcp", args[0])
		if err != nil {
			return err
		}
		taken[args[0]] = listener
		return nil
	case "free":
		listener, ok := taken[args[0]]
		if !ok {
			return fmt.Errorf("port %s was not taken", args[0])
		}
		delete(taken, args[0])
		return listener.Close()
	}
	return errUnknown("verb", "port "+verb)
}

// filler is what fills a disk.
const filler = "filler"

// disk mount DIR SIZE | fill DIR | free DIR | read-only DIR | writable DIR: a
// small file system of the story's own at a directory.
func disk(_ context.Context, s story, verb string, args []string) error {
	if len(args) == 0 {
		return errors.New("usage: disk VERB DIR")
	}
	dir := args[0]
	switch {
	case verb == "mount" && len(args) == 2:
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+args[1]); err != nil {
			return fmt.Errorf("mount a small file system: %w", err)
		}
		s.OnClose(func() error { return syscall.Unmount(dir, syscall.MNT_DETACH) })
		return nil
	case verb == "fill":
		return fill(filepath.Join(dir, filler))
	case verb == "free":
		return os.Remove(filepath.Join(dir, filler))
	case verb == "read-only":
		return syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, "")
	case verb == "writable":
		return syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "")
	}
	return errUnknown("verb", "disk "+verb)
}

// fill writes to a file until the disk is full.
func fill(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	block := make([]byte, 4096)
	for {
		if _, err := file.Write(block); errors.Is(err, syscall.ENOSPC) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

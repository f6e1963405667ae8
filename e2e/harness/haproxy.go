package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// HAProxyPIDs returns the processes of the HAProxy that this World's daemon
// started, master and workers, in ascending order. They are known by the state
// directory in their command line, so that a forgotten one is found as well.
func (w *World) HAProxyPIDs() ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		line, err := os.ReadFile(filepath.Join("/proc", entry.Name(), "cmdline"))
		if err != nil {
			continue // it has ended meanwhile
		}
		program, args, _ := bytes.Cut(line, []byte{0})
		if filepath.Base(string(program)) == "haproxy" && bytes.Contains(args, []byte(w.Dir+"/")) {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// OneWorker says which processes there are unless they are one master and one worker.
func (w *World) OneWorker() error {
	pids, err := w.HAProxyPIDs()
	if err == nil && len(pids) != 2 {
		err = fmt.Errorf("haproxy is not one master and one worker: %v", pids)
	}
	return err
}

// KillHAProxy ends all of them by SIGKILL and waits until they are gone.
func (w *World) KillHAProxy() error {
	return Until(context.Background(), func() error {
		pids, err := w.HAProxyPIDs()
		if err != nil {
			return err
		}
		for _, pid := range pids {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
				return err
			}
		}
		if len(pids) > 0 {
			return fmt.Errorf("haproxy is still there: %v", pids)
		}
		return nil
	})
}

// HAProxyMark returns a text that changes whenever a file of HAProxy's is
// touched or replaced, or HAProxy is reloaded or restarted.
func (w *World) HAProxyMark() (string, error) {
	var out strings.Builder
	root := filepath.Join(w.StateDir(), "haproxy")
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		inode := uint64(0)
		if stat, ok := info.Sys().(*syscall.Stat_t); ok {
			inode = stat.Ino
		}
		if entry.Type()&fs.ModeSocket != 0 {
			return nil // the sockets may be listened in on, see tap.go
		}
		if entry.IsDir() {
			return nil // a directory's time changes with a lock file beside the files
		}
		_, err = fmt.Fprintf(&out, "%s inode=%d size=%d mtime=%s\n",
			strings.TrimPrefix(path, root), inode, info.Size(), info.ModTime().Format("15:04:05.000000000"))
		return err
	})
	if err != nil {
		return "", err
	}
	pids, err := w.HAProxyPIDs()
	if err != nil {
		return "", err
	}
	fmt.Fprintf(&out, "processes %v\n", pids)
	return out.String(), nil
}

// HAProxyFiles returns the text of all configuration files of HAProxy's.
func (w *World) HAProxyFiles() (string, error) {
	paths, err := filepath.Glob(filepath.Join(w.StateDir(), "haproxy", "*.cfg"))
	if err != nil {
		return "", err
	}
	var text strings.Builder
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		text.Write(data)
	}
	return text.String(), nil
}

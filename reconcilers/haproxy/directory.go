package haproxy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// directory is our directory beside the user's files. It holds lockstep.cfg,
// the maps, the owner mark and the lock; strangers' files in it stay untouched.
type directory struct {
	path   string
	owner  string
	writer string
	lock   *os.File                // held while this daemon may write
	before func(step string) error // see Reconciler.fault
	wrote  func(name string)       // called for each file that was replaced
}

const (
	markName = "lockstep.owner"
	lockName = "lockstep.lock"
)

// mark is what stands in the owner mark.
type mark struct {
	Owner  string `json:"owner"`
	Writer string `json:"writer"`
}

func (d *directory) file(name string) string { return filepath.Join(d.path, name) }

// claim makes this daemon the directory's one writer. It fails with a Conflict
// when another daemon lives on it, or another writer has marked it. A claim that
// somebody deleted, with the files or with the whole directory, is made again.
func (d *directory) claim(takeover bool) error {
	if d.lock != nil && d.claimed() {
		return nil
	}
	if err := d.release(); err != nil {
		return err
	}
	if err := os.MkdirAll(d.path, 0o755); err != nil { //nolint:gosec // HAProxy may run as another user
		return writeTrouble(d.path, err)
	}
	lock, err := os.OpenFile(d.file(lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return writeTrouble(d.file(lockName), err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return d.conflict("another Lockstep that runs now writes to it", "stop that one, or give this one another --haproxy-dir and --owner")
		}
		return fmt.Errorf("lock %s: %w", d.file(lockName), err)
	}
	if err := d.checkMark(takeover); err != nil {
		lock.Close()
		return err
	}
	d.lock = lock
	return d.sweep()
}

// claimed reports whether our lock and the owner mark still stand in the directory.
func (d *directory) claimed() bool {
	held, err := d.lock.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(d.file(lockName))
	if err != nil || !os.SameFile(held, there) {
		return false
	}
	_, err = os.Stat(d.file(markName))
	return err == nil
}

// checkMark compares the owner mark with ours, and writes it where none is.
func (d *directory) checkMark(takeover bool) error {
	ours := mark{Owner: d.owner, Writer: d.writer}
	text, err := os.ReadFile(d.file(markName))
	switch {
	case errors.Is(err, os.ErrNotExist):
		if err := d.stranger(takeover); err != nil {
			return err
		}
	case err != nil:
		return fmt.Errorf("read %s: %w", d.file(markName), err)
	default:
		var theirs mark
		if err := json.Unmarshal(text, &theirs); err == nil && theirs == ours {
			return nil
		}
		if !takeover {
			return d.conflict(fmt.Sprintf("it belongs to owner %q, writer %q", theirs.Owner, theirs.Writer), "use another --haproxy-dir, or --takeover when that Lockstep is gone for good")
		}
	}
	line, err := json.Marshal(ours)
	if err != nil {
		return fmt.Errorf("encode owner mark: %w", err)
	}
	return d.write(markName, append(line, '\n'))
}

// stranger refuses files of our names that no mark stands beside, unless they
// say themselves that they are ours.
func (d *directory) stranger(takeover bool) error {
	names, err := d.ownConfigs()
	if err != nil {
		return err
	}
	for _, name := range append(names, mapName, patternsName, hostsName) {
		text, err := d.read(name)
		if err != nil {
			return err
		}
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		switch owner, written := writtenFor(text); {
		case !written:
			return d.conflict(name+" stands in it, and nothing says that it is ours", "move that file away, or use another --haproxy-dir")
		case owner != d.owner && !takeover:
			return d.conflict(fmt.Sprintf("%s was written for owner %q", name, owner), "use another --haproxy-dir, or --takeover when that Lockstep is gone for good")
		}
	}
	return nil
}

func (d *directory) conflict(message, fix string) error {
	return v1.Problem{Reason: v1.Conflict, Gateway: v1.HAProxy, Object: baseKey, Message: "directory " + d.path + ": " + message, Fix: fix}
}

// release lets another daemon in.
func (d *directory) release() error {
	if d.lock == nil {
		return nil
	}
	err := d.lock.Close()
	d.lock = nil
	if err != nil {
		return fmt.Errorf("unlock %s: %w", d.file(lockName), err)
	}
	return nil
}

// read returns a file's bytes; nil when there is none.
func (d *directory) read(name string) ([]byte, error) {
	text, err := os.ReadFile(d.file(name))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", d.file(name), err)
	}
	return text, nil
}

// write replaces a file as a whole: whoever reads sees the old one or the new.
func (d *directory) write(name string, text []byte) error {
	staged, err := d.stage(name, text)
	if err != nil {
		return err
	}
	return d.commit(staged, name)
}

// stage writes a file beside the one that it is to become, and returns its path.
func (d *directory) stage(name string, text []byte) (path string, err error) {
	if err := d.before("stage " + name); err != nil {
		return "", writeTrouble(d.file(name), err)
	}
	temporary, err := os.CreateTemp(d.path, "."+name+".*")
	if err != nil {
		return "", writeTrouble(d.file(name), err)
	}
	_, err = temporary.Write(text)
	if err == nil {
		err = temporary.Chmod(0o644) //nolint:gosec // HAProxy may run as another user
	}
	if err == nil {
		err = temporary.Sync()
	}
	if closed := temporary.Close(); err == nil {
		err = closed
	}
	if err != nil {
		d.discard(temporary.Name())
		return "", writeTrouble(d.file(name), err)
	}
	return temporary.Name(), nil
}

// commit makes a staged file the real one; with "" the real one goes.
func (d *directory) commit(path, name string) error {
	err := d.before("commit " + name)
	switch {
	case err != nil:
	case path == "":
		err = os.Remove(d.file(name))
	default:
		err = os.Rename(path, d.file(name))
	}
	if err != nil {
		d.discard(path)
		return writeTrouble(d.file(name), err)
	}
	d.wrote(name)
	return nil
}

// discard removes a staged file. What can't be removed is removed by sweep.
func (d *directory) discard(path string) {
	if path != "" {
		_ = os.Remove(path)
	}
}

// sweep removes staged files that a daemon left behind when it was killed.
func (d *directory) sweep() error {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return fmt.Errorf("list %s: %w", d.path, err)
	}
	for _, entry := range entries {
		name, hidden := strings.CutPrefix(entry.Name(), ".")
		name = strings.TrimSuffix(name, filepath.Ext(name))
		if !hidden || !ownConfig(name) && !slices.Contains([]string{mapName, patternsName, hostsName, markName}, name) {
			continue
		}
		if err := os.Remove(d.file(entry.Name())); err != nil {
			return writeTrouble(d.file(entry.Name()), err)
		}
	}
	return nil
}

// writeTrouble says why a file can't be written and what to do.
func writeTrouble(path string, err error) error {
	remedy := "check the directory"
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		remedy = "free some space; what was asked runs meanwhile, but a restart of HAProxy would lose it"
	case errors.Is(err, syscall.EROFS):
		remedy = "mount it read-write; what was asked runs meanwhile, but a restart of HAProxy would lose it"
	case errors.Is(err, os.ErrPermission):
		remedy = "make it writable for the user that Lockstep runs as"
	}
	return fmt.Errorf("can't write %s: %w; %s", path, err, remedy)
}

// update writes a file unless it says the same already; nil text removes it.
func (d *directory) update(name string, text []byte) error {
	have, err := d.read(name)
	switch {
	case err != nil:
		return err
	case bytes.Equal(have, text) && (have == nil) == (text == nil):
		return nil
	case text == nil:
		return d.commit("", name)
	}
	return d.write(name, text)
}

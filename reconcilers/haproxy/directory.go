package haproxy

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
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

func (d *directory) file(name string) string { return filepath.Join(d.path, name) }

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
	temporary, err := os.CreateTemp(filepath.Dir(d.file(name)), "."+filepath.Base(name)+".*")
	if err != nil {
		return "", writeTrouble(d.file(name), err)
	}
	_, err = temporary.Write(text)
	if err == nil && !strings.HasPrefix(name, certificatesDir+"/") { // those hold keys
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
	if err := d.sweepCertificates(); err != nil {
		return err
	}
	for _, entry := range entries {
		name, hidden := strings.CutPrefix(entry.Name(), ".")
		name = strings.TrimSuffix(name, filepath.Ext(name))
		if !hidden || !ownConfig(name) && !strings.HasPrefix(name, pagePrefix) && !strings.HasPrefix(name, authorityPrefix) && !slices.Contains([]string{mapName, patternsName, hostsName, markName, certificatesName}, name) {
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

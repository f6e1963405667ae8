package disk

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// A Directory is our directory, whose files are named relative to it. The exported fields
// are set, all of them, by whoever makes one, and stay.
type Directory struct {
	Path   string // absolute
	Owner  string // for whom its files are written
	Writer string // tells this daemon from others of the same owner
	Object v1.Key // what a conflict about it is reported of
	// Before is asked before each step that changes something: its error is taken for that
	// of the step. Wrote is called for each file that was replaced or removed.
	Before func(step string) error
	Wrote  func(name string)

	lock *os.File // held while this daemon may write
}

// File returns the path of a file.
func (d *Directory) File(name string) string { return filepath.Join(d.Path, name) }

// Read returns a file's bytes; nil when there is none.
func (d *Directory) Read(name string) ([]byte, error) {
	text, err := os.ReadFile(d.File(name))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", d.File(name), err)
	}
	return text, nil
}

// write replaces a file as a whole: whoever reads sees the old one or the new.
func (d *Directory) write(name string, text []byte) error {
	staged, err := d.stage(name, text)
	if err != nil {
		return err
	}
	return d.commit(staged, name)
}

// stage writes a file beside the one that it is to become, and returns its path.
func (d *Directory) stage(name string, text []byte) (path string, err error) {
	if err := d.Before("stage " + name); err != nil {
		return "", Trouble(d.File(name), err)
	}
	temporary, err := os.CreateTemp(filepath.Dir(d.File(name)), "."+filepath.Base(name)+".*")
	if err != nil {
		return "", Trouble(d.File(name), err)
	}
	_, err = temporary.Write(text)
	if err == nil && !strings.HasPrefix(name, CertificatesDir+"/") && !strings.HasPrefix(name, KeysPrefix) { // those hold keys
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
		return "", Trouble(d.File(name), err)
	}
	return temporary.Name(), nil
}

// commit makes a staged file the real one; with "" the real one goes.
func (d *Directory) commit(path, name string) error {
	err := d.Before("commit " + name)
	switch {
	case err != nil:
	case path == "":
		err = os.Remove(d.File(name))
	default:
		err = os.Rename(path, d.File(name))
	}
	if err != nil {
		d.discard(path)
		return Trouble(d.File(name), err)
	}
	d.Wrote(name)
	return nil
}

// Remove removes a file that is there.
func (d *Directory) Remove(name string) error { return d.commit("", name) }

// discard removes a staged file. What can't be removed is removed by sweep.
func (d *Directory) discard(path string) {
	if path != "" {
		_ = os.Remove(path)
	}
}

// sweep removes staged files that a daemon left behind when it was killed.
func (d *Directory) sweep() error {
	entries, err := os.ReadDir(d.Path)
	if err != nil {
		return fmt.Errorf("list %s: %w", d.Path, err)
	}
	if err := d.sweepCertificates(); err != nil {
		return err
	}
	for _, entry := range entries {
		name, hidden := strings.CutPrefix(entry.Name(), ".")
		name = strings.TrimSuffix(name, filepath.Ext(name))
		if !hidden || !isOurs(name) {
			continue
		}
		if err := os.Remove(d.File(entry.Name())); err != nil {
			return Trouble(d.File(entry.Name()), err)
		}
	}
	return nil
}

// sweepCertificates removes what a daemon left half-written when it was killed.
func (d *Directory) sweepCertificates() error {
	left, err := filepath.Glob(d.File(CertificatesDir) + "/.*.pem.*")
	if err != nil {
		return fmt.Errorf("list %s: %w", d.File(CertificatesDir), err)
	}
	for _, path := range left {
		if err := os.Remove(path); err != nil {
			return Trouble(path, err)
		}
	}
	return nil
}

// Trouble says that a file can't be written, why, and what to do: of a disk that can't take
// any file the directory alone. It leaves out under which name the file was staged, which is
// another one each time.
func Trouble(path string, err error) error {
	if staged, is := errors.AsType[*os.PathError](err); is {
		err = staged.Err
	} else if renamed, is := errors.AsType[*os.LinkError](err); is {
		err = renamed.Err
	}
	remedy := "check the directory"
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		path, remedy = filepath.Dir(path), "free some space there"
	case errors.Is(err, syscall.EROFS):
		path, remedy = filepath.Dir(path), "mount it read-write"
	case errors.Is(err, os.ErrPermission):
		remedy = "make it writable for the user that Lockstep runs as"
	}
	return v1.Problem{Reason: v1.GatewayUnwritable, Gateway: v1.HAProxy, Message: fmt.Sprintf("can't write %s: %v", path, err), Fix: remedy}
}

// Update replaces a file unless it says the same already; nil text removes it.
func (d *Directory) Update(name string, text []byte) error {
	have, err := d.Read(name)
	switch {
	case err != nil:
		return err
	case bytes.Equal(have, text) && (have == nil) == (text == nil):
		return nil
	case text == nil:
		return d.Remove(name)
	}
	return d.write(name, text)
}

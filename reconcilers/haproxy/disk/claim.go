package disk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"syscall"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// mark is what stands in the owner mark.
type mark struct {
	Owner  string `json:"owner"`
	Writer string `json:"writer"`
}

// Claim makes this daemon the directory's one writer. It fails with a Conflict
// when another daemon lives on it, or another writer has marked it. A claim that
// somebody deleted, with the files or with the whole directory, is made again.
func (d *Directory) Claim(takeover bool) error {
	if d.lock != nil && d.claimed() {
		return nil
	}
	if err := d.Release(); err != nil {
		return err
	}
	if err := os.MkdirAll(d.Path, 0o755); err != nil { //nolint:gosec // HAProxy may run as another user
		return Trouble(d.Path, err)
	}
	lock, err := os.OpenFile(d.File(Lock), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return Trouble(d.File(Lock), err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return d.conflict("another Lockstep that runs now writes to it", "stop that one, or give this one another --haproxy-dir and --owner")
		}
		return fmt.Errorf("lock %s: %w", d.File(Lock), err)
	}
	if err := d.checkMark(takeover); err != nil {
		lock.Close()
		return err
	}
	d.lock = lock
	return d.sweep()
}

// claimed reports whether our lock and the owner mark still stand in the directory.
func (d *Directory) claimed() bool {
	held, err := d.lock.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(d.File(Lock))
	if err != nil || !os.SameFile(held, there) {
		return false
	}
	_, err = os.Stat(d.File(Mark))
	return err == nil
}

// checkMark compares the owner mark with ours, and writes it where none is.
func (d *Directory) checkMark(takeover bool) error {
	marked, err := d.marked(takeover)
	if err != nil || marked {
		return err
	}
	line, err := json.Marshal(mark{Owner: d.Owner, Writer: d.Writer})
	if err != nil {
		return fmt.Errorf("encode owner mark: %w", err)
	}
	return d.write(Mark, append(line, '\n'))
}

// Contest returns the Conflict that Claim fails with when another writer has marked the
// directory, and writes nothing. Whether another lives on it is not asked.
func (d *Directory) Contest(takeover bool) error {
	_, err := d.marked(takeover)
	return err
}

// marked reports whether the owner mark is ours already.
func (d *Directory) marked(takeover bool) (bool, error) {
	text, err := os.ReadFile(d.File(Mark))
	if errors.Is(err, os.ErrNotExist) {
		return false, d.stranger(takeover)
	}
	if err != nil {
		return false, fmt.Errorf("read %s: %w", d.File(Mark), err)
	}
	var theirs mark
	if err := json.Unmarshal(text, &theirs); err == nil && theirs == (mark{Owner: d.Owner, Writer: d.Writer}) {
		return true, nil
	}
	if !takeover {
		return false, d.conflict(fmt.Sprintf("it belongs to owner %q, writer %q", theirs.Owner, theirs.Writer), "use another --haproxy-dir, or --takeover when that Lockstep is gone for good")
	}
	return false, nil
}

// stranger refuses files of our names that no mark stands beside, unless they
// say themselves that they are ours.
func (d *Directory) stranger(takeover bool) error {
	names, err := d.ownConfigs()
	if err != nil {
		return err
	}
	for _, name := range append(names, Routes, Patterns, Hosts, Certificates) {
		text, err := d.Read(name)
		if err != nil {
			return err
		}
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		switch owner, written := writtenFor(text); {
		case !written:
			return d.conflict(name+" stands in it, and nothing says that it is ours", "move that file away, or use another --haproxy-dir")
		case owner != d.Owner && !takeover:
			return d.conflict(fmt.Sprintf("%s was written for owner %q", name, owner), "use another --haproxy-dir, or --takeover when that Lockstep is gone for good")
		}
	}
	return nil
}

func (d *Directory) conflict(message, fix string) error {
	return v1.Problem{Reason: v1.Conflict, Gateway: v1.HAProxy, Object: d.Object, Message: "directory " + d.Path + ": " + message, Fix: fix}
}

// Held reports whether this daemon has claimed the directory and not released it.
func (d *Directory) Held() bool { return d.lock != nil }

// Release lets another daemon in.
func (d *Directory) Release() error {
	if d.lock == nil {
		return nil
	}
	err := d.lock.Close()
	d.lock = nil
	if err != nil {
		return fmt.Errorf("unlock %s: %w", d.File(Lock), err)
	}
	return nil
}

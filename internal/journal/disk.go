package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// disk writes files. before, where it is set, is asked before each step: its error is
// taken for that of the step.
type disk struct {
	before func(step, path string) error
}

// The steps.
const (
	stepCreate  = "create"         // a file beside the one that it is to become
	stepWrite   = "write"          // its text
	stepSync    = "sync"           // the same
	stepRename  = "rename"         // it becomes that one
	stepSyncDir = "sync directory" // so that it stays that one
	stepAppend  = "append"         // to a file that stands
	stepSyncLog = "sync log"       // the same
)

func (d *disk) step(step, path string) error {
	if d.before == nil {
		return nil
	}
	return d.before(step, path)
}

// Replace gives a file another text in one step, readable for its owner alone: whoever
// reads sees the old one or the new, also after a kill, and after a failure of power.
// What a kill leaves beside it is named after Leftovers.
func Replace(path string, text []byte) error {
	var d disk
	file, err := d.replace(path, text)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return errors.Join(d.syncDir(path), file.Close())
}

// Leftovers returns a pattern of what a kill may leave beside a file that is replaced.
func Leftovers(path string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".*")
}

// replace is Replace up to the point where the old file is gone; that the new one stays
// after a failure of power is left to syncDir. It returns the new file, at its end. Its errors
// name no file, for it writes under another name each time.
func (d *disk) replace(path string, text []byte) (*os.File, error) {
	if err := d.step(stepCreate, path); err != nil {
		return nil, err
	}
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(Leftovers(path)))
	if err != nil {
		return nil, nameless(err)
	}
	if err := d.fill(file, path, text); err != nil {
		return nil, errors.Join(nameless(err), file.Close(), os.Remove(file.Name()))
	}
	return file, nil
}

// nameless returns an error without the file that it names.
func nameless(err error) error {
	if one, is := errors.AsType[*os.PathError](err); is {
		return one.Err
	}
	if two, is := errors.AsType[*os.LinkError](err); is {
		return two.Err
	}
	return err
}

func (d *disk) fill(file *os.File, path string, text []byte) error {
	if err := d.step(stepWrite, file.Name()); err != nil {
		return err
	}
	if _, err := file.Write(text); err != nil {
		return err
	}
	if err := d.step(stepSync, file.Name()); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	if err := d.step(stepRename, path); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

// syncDir makes what was renamed in a file's directory outlive a failure of power.
func (d *disk) syncDir(path string) error {
	if err := d.step(stepSyncDir, path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// add appends a line to the file that is open at its end.
func (d *disk) add(file *os.File, path string, line []byte) error {
	if err := d.step(stepAppend, path); err != nil {
		return err
	}
	if _, err := file.Write(line); err != nil {
		return err
	}
	if err := d.step(stepSyncLog, path); err != nil {
		return err
	}
	return file.Sync()
}

package journal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
)

// leastLog is what a log may grow to in any case; beyond, it may be as long as its snapshot.
// So a snapshot, which costs as much as there is, is due only after as much was written.
const leastLog = 64 << 10

// Journal writes one state. It is owned by one goroutine of the one process that writes.
type Journal struct {
	path string // of the snapshot
	disk disk

	sum   string // of the snapshot; "" while there is none
	limit int64  // of the log, in bytes
	// log is open at the end of its good part; nil: the next line comes with a new file.
	log *os.File
	// good counts the bytes of the log's good part; 0 where none follows the snapshot.
	good int64
	// unsynced says that a file was replaced and may be the old one after a failure of power.
	unsynced bool
}

// Open returns the journal whose snapshot stands at path, and its state. It writes nothing.
func Open(path string) (*Journal, State, error) {
	state, log, err := load(path)
	if err != nil {
		return nil, State{}, err
	}
	j := &Journal{path: path, limit: leastLog, good: log.good}
	if state.Snapshot != nil {
		j.holds(sumOf(state.Snapshot), len(state.Snapshot))
		if !hasLog(state.Snapshot) {
			j.limit = 0 // the next change makes it one that has
		}
	}
	if log.good > 0 && !log.torn {
		if j.log, err = os.OpenFile(LogPath(path), os.O_WRONLY|os.O_APPEND, 0); err != nil {
			return nil, State{}, err
		}
	}
	return j, state, nil
}

// holds notes which snapshot stands there.
func (j *Journal) holds(sum string, size int) {
	j.sum, j.limit = sum, max(leastLog, int64(size))
}

// Append writes a change, in which no line may end. Where a snapshot is due it writes what
// whole returns, the state with the change, instead. When it fails the state on disk is the
// one before or the one after, and the change is to be written again.
func (j *Journal) Append(change []byte, whole func() ([]byte, error)) error {
	if bytes.IndexByte(change, '\n') >= 0 {
		return errors.New("a change is one line")
	}
	line := lineOf(wordChange, change)
	if j.sum != "" && j.good+int64(len(line)) <= j.limit && j.stands() {
		return j.append(line)
	}
	text, err := whole()
	if err != nil {
		return err
	}
	return j.Replace(text)
}

// Replace writes the whole state anew, as whole lines. When it fails the state on disk is the
// one before or the one after.
func (j *Journal) Replace(text []byte) error {
	if err := j.settle(); err != nil {
		return err
	}
	if !j.logStands() {
		j.good = 0
		if err := j.leave(); err != nil {
			return err
		}
	}
	text = withLog(text)
	sum := sumOf(text)
	if j.sum == "" {
		return j.begin(sum, text)
	}
	// The log is spent once that snapshot stands, and not before.
	if err := j.append(lineOf(wordPrecedes, []byte(sum))); err != nil {
		return err
	}
	err := j.put(sum, text)
	if j.sum != sum {
		return err
	}
	j.good = 0 // also where something failed once it stood: what follows is not for the spent log
	return errors.Join(err, j.leave(), j.settle())
}

// begin writes the first snapshot. Its log comes before it: so one without the other is
// noticed.
func (j *Journal) begin(sum string, text []byte) error {
	j.good = 0 // of a log whose snapshot never came
	if err := j.leave(); err != nil {
		return err
	}
	if err := j.renew(sum, nil); err != nil {
		return err
	}
	if err := j.put(sum, text); err != nil {
		return err
	}
	return j.settle()
}

// put replaces the snapshot.
func (j *Journal) put(sum string, text []byte) error {
	file, err := j.disk.replace(j.path, text)
	if err != nil {
		return fmt.Errorf("write %s: %w", j.path, err)
	}
	j.holds(sum, len(text))
	j.unsynced = true
	return file.Close()
}

// stands reports whether the files are still there, which others may have taken away.
func (j *Journal) stands() bool {
	_, err := os.Stat(j.path)
	return err == nil && j.logStands()
}

// logStands is stands for the log alone.
func (j *Journal) logStands() bool {
	if j.good == 0 {
		return true
	}
	there, err := os.Stat(LogPath(j.path))
	if err != nil || there.Size() < j.good {
		return false
	}
	if j.log == nil {
		return true
	}
	ours, err := j.log.Stat()
	return err == nil && os.SameFile(ours, there)
}

// append writes a line that follows the snapshot and what the log says so far.
func (j *Journal) append(line []byte) error {
	if err := j.settle(); err != nil {
		return err
	}
	if j.log == nil {
		return j.renew(j.sum, line)
	}
	if err := j.disk.add(j.log, LogPath(j.path), line); err != nil {
		// What of the line stands there nobody knows, and nothing may follow it.
		return errors.Join(fmt.Errorf("write %s: %w", LogPath(j.path), err), j.leave())
	}
	j.good += int64(len(line))
	return nil
}

// renew replaces the log of the snapshot of that sum by its good part and one more line, if
// there is one.
func (j *Journal) renew(sum string, line []byte) error {
	path := LogPath(j.path)
	text := lineOf(wordFollows, []byte(sum))
	if j.good > 0 {
		have, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if int64(len(have)) < j.good {
			return fmt.Errorf("write %s: somebody cuts it", path)
		}
		text = have[:j.good]
	}
	text = append(text, line...)
	file, err := j.disk.replace(path, text)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	j.log, j.good, j.unsynced = file, int64(len(text)), true
	return j.settle()
}

// settle sees to it that what was replaced stays so.
func (j *Journal) settle() error {
	if !j.unsynced {
		return nil
	}
	if err := j.disk.syncDir(j.path); err != nil {
		return fmt.Errorf("write %s: %w", j.path, err)
	}
	j.unsynced = false
	return nil
}

// leave closes the log.
func (j *Journal) leave() error {
	if j.log == nil {
		return nil
	}
	err := j.log.Close()
	j.log = nil
	return err
}

// Close lets go of the files.
func (j *Journal) Close() error { return j.leave() }

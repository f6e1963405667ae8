package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// State is what a journal holds: Changes, in their order, made to Snapshot.
type State struct {
	Snapshot []byte // as it stands in the file; nil: there is none, and nothing was changed either
	Changes  [][]byte
}

// LogPath returns where the log of a snapshot stands: beside it, with another ending.
func LogPath(path string) string {
	return strings.TrimSuffix(path, filepath.Ext(path)) + ".journal"
}

// Read returns the state whose snapshot stands at path. It locks nothing and changes
// nothing: while another process writes, it is a state that was whole at some moment of
// the call. What is damaged, or does not belong together, is an error that says what to do.
func Read(path string) (State, error) {
	state, _, err := load(path)
	return state, err
}

// load is Read, with what the log says of itself: nothing where it is spent or there is none.
func load(path string) (State, contents, error) {
	snapshot, err := readFile(path)
	if err != nil {
		return State{}, contents{}, err
	}
	for {
		text, err := readFile(LogPath(path))
		if err != nil {
			return State{}, contents{}, err
		}
		log, err := match(path, snapshot, text)
		if err == nil {
			return State{Snapshot: snapshot, Changes: log.changes}, log, nil
		}
		again, readErr := readFile(path)
		if readErr != nil || same(again, snapshot) {
			return State{}, contents{}, errors.Join(err, readErr)
		}
		snapshot = again // it was replaced between the two looks
	}
}

// match returns what of a log is to be done to the snapshot beside it.
func match(path string, snapshot, text []byte) (contents, error) {
	switch {
	case text == nil && (snapshot == nil || !hasLog(snapshot)):
		return contents{}, nil
	case text == nil:
		return contents{}, fmt.Errorf("%s is missing, without which nobody knows what changed since %s was written; restore the two together from a backup, or remove %[2]s to start anew",
			LogPath(path), path)
	}
	log, err := parse(text)
	if err != nil {
		return contents{}, fmt.Errorf("%s: %w; restore it together with %s from a backup, or remove both to start anew", LogPath(path), err, path)
	}
	if snapshot == nil {
		if len(log.changes) == 0 { // the first one was on its way
			return contents{}, nil
		}
		return contents{}, fmt.Errorf("%s is missing, of which %s says what changed since; restore the two together from a backup, or remove %[2]s to start anew", path, LogPath(path))
	}
	switch sumOf(snapshot) {
	case log.precedes: // first, for a state may come back to what it was
		return contents{}, nil
	case log.follows:
		return log, nil
	}
	return contents{}, fmt.Errorf("%s does not belong to %s, which was restored or changed without it; restore the two together from a backup, or remove both to start anew",
		LogPath(path), path)
}

// readFile returns the text of a file; nil when there is no such file.
func readFile(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil && text == nil {
		text = []byte{}
	}
	return text, err
}

// same reports whether two looks at a file saw the same.
func same(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }

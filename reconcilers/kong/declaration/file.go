package declaration

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"syscall"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/pemfile"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
)

// longestBase is the most bytes that a base may have.
const longestBase = 64 << 20

// File follows the file of the user's own entities (--kong-base). Another one goes along with
// the next push. One that can't be read, or that Kong refuses, is named by a problem, and
// the last good one stays. Several nodes share one: its methods may be called at once.
type File struct {
	path string // "" for none
	rows []*entity.Row

	mu      sync.Mutex
	noticed string // the file's stamp when it was last looked at
	settled string // that stamp, when two looks had the same: nobody writes to it just now
	read    string // that of the file that was last read
	now     *Base  // what goes along with pushes
	good    *Base  // what Kong last took
	wrong   *v1.Problem

	refused string // the digest of what Kong did not take, and what it said
	said    *v1.Problem
}

// Open reads the file; path is "" for none. At first one that is wrong is an error.
func Open(rows []*entity.Row, path string) (*File, error) {
	f := &File{path: path, rows: rows}
	if path == "" {
		return f, nil
	}
	f.read = pemfile.Stamp(path)
	f.noticed, f.settled = f.read, f.read
	var err error
	if f.now, err = f.parse(); err != nil {
		return nil, fmt.Errorf("--kong-base: %w", err)
	}
	return f, nil
}

// parse reads the file as it is now.
func (f *File) parse() (*Base, error) {
	file, err := os.OpenFile(f.path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe must not hold us
	if err != nil {
		return nil, err //nolint:wrapcheck // it names the file
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, longestBase+1))
	switch {
	case err != nil:
		return nil, err //nolint:wrapcheck // it names the file
	case len(text) > longestBase:
		return nil, fmt.Errorf("the file has more than %d MiB", longestBase>>20)
	case len(text) == 0:
		return nil, fmt.Errorf("the file is empty; a file that is to hold nothing says _format_version: %q", baseFormat)
	}
	return Parse(f.rows, text)
}

// Changed looks at the file, and reports whether there is another one that nobody has written
// to since the last look.
func (f *File) Changed() bool {
	if f.path == "" {
		return false
	}
	stamp := pemfile.Stamp(f.path)
	f.mu.Lock()
	defer f.mu.Unlock()
	if stamp == f.noticed {
		f.settled = stamp
	}
	f.noticed = stamp
	return f.settled == stamp && stamp != f.read
}

// Follow reads the file when Changed has found another one.
func (f *File) Follow(log *slog.Logger) {
	if f.path == "" {
		return
	}
	stamp := pemfile.Stamp(f.path)
	f.mu.Lock()
	defer f.mu.Unlock()
	if stamp == f.read || stamp != f.settled {
		return
	}
	f.read = stamp
	next, err := f.parse()
	switch {
	case err != nil:
		f.wrong = f.about(err.Error())
		log.Warn("--kong-base is wrong; what it held when it was last good stays in Kong", "file", f.path, "error", f.wrong.Message)
		return
	case next.digest == f.refused:
		f.wrong = f.said
		return
	case next.digest != f.now.digest:
		log.Info("another --kong-base goes along with the next push", "file", f.path)
	}
	f.now, f.wrong, f.refused, f.said = next, nil, "", nil
}

// about is the problem of a file that does not go along.
func (f *File) about(message string) *v1.Problem {
	return &v1.Problem{
		Reason: v1.InvalidManifest, Gateway: v1.Kong, Object: v1.Key{Kind: v1.KindConfig, Name: "kong-base"}, Origin: v1.Origin{File: f.path},
		Message: v1.OneLine(message), Fix: "correct it; what it held when it was last good stays in Kong until then",
	}
}

// Current is what goes along with the next push; nil for nothing.
func (f *File) Current() *Base {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

// Took notes that a node took a base; nil is none.
func (f *File) Took(b *Base) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if b != nil && b.digest != f.refused {
		f.good = b
	}
}

// Refuse notes that Kong did not take a base, and what it said, and returns the last good one,
// which goes along from now on; false when there is none, or it is that.
func (f *File) Refuse(b *Base, message string) (*Base, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if b == nil || f.good == nil || f.good.digest == b.digest {
		return nil, false
	}
	f.refused, f.said, f.now = b.digest, f.about("kong refuses it: "+message), f.good
	f.wrong = f.said
	return f.good, true
}

// Problem is what is wrong with the file; nil for nothing.
func (f *File) Problem() *v1.Problem {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.wrong
}

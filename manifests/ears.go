package manifests

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
)

// ears hear that something may have changed in a directory. They hear more than
// what matters, and may miss something; what is done follows from what is seen.
type ears struct {
	watcher *fsnotify.Watcher // nil when the system gives none
	err     error
	places  map[string]*place // by directory, free of symbolic links
	homes   map[string]string // which of these directories our folders are
	files   []string          // that secrets stand in

	heard  time.Time       // when the first thing was heard since reset
	paths  map[string]bool // files of manifests that were spoken of since
	dirs   map[string]bool // and their directories
	all    bool            // anything may have changed since
	linked bool            // what a symbolic link leads to was, since
	secret bool            // so was something outside of the folders
	due    bool            // it is time to look at what is outside of them, though nothing was heard of it
	again  bool            // look again at once
	nudge  chan struct{}   // something else is new
}

// place is a directory that is listened to.
type place struct {
	stamp stamp
	as    []string        // what it is called where it is one of our folders; then all in it matters
	names map[string]bool // otherwise what in it matters
}

// newEars returns ears that listen to nothing yet but to the nudge.
func newEars(nudge chan struct{}) *ears {
	e := &ears{nudge: nudge, places: map[string]*place{}, homes: map[string]string{}, paths: map[string]bool{}, dirs: map[string]bool{}, all: true}
	e.watcher, e.err = fsnotify.NewWatcher()
	return e
}

func (e *ears) close() {
	if e.watcher != nil {
		e.err = e.watcher.Close()
	}
}

// secrets names the files that secrets stand in, from the next look on.
func (e *ears) secrets(files []string) {
	if !identical(e.files, files) && !slices.Equal(e.files, files) {
		e.files = files
		e.again = true // what happened to them before anybody listened
	}
}

// reset forgets what was heard.
func (e *ears) reset() {
	e.heard, e.linked, e.secret, e.due, e.all = time.Time{}, false, false, false, e.watcher == nil
	e.paths, e.dirs = map[string]bool{}, map[string]bool{}
}

// attend listens to every directory where something could change what was seen:
// the folders, and each step of the ways that lead to them, to files behind
// symbolic links and to secrets. Where only directories came or went, it tends to these
// alone. It reports whether it listens to a new one, and at what to look again then; nil
// means at everything.
func (e *ears) attend(v *view) (again map[string]bool, fresh bool) {
	moved, all := v.moved, e.all || v.relinked
	v.moved, v.relinked = map[string]bool{}, false
	switch {
	case e.watcher == nil:
		return nil, false
	case all:
		return nil, e.attendAll(v)
	}
	return e.attendSome(v, moved)
}

// attendSome listens to directories that came, and no longer to those that went.
func (e *ears) attendSome(v *view, moved map[string]bool) (again map[string]bool, fresh bool) {
	wanted := map[string]*place{}
	for dir := range moved {
		e.leave(dir)
		if v.dirs[dir] != nil {
			e.enter(wanted, dir)
		}
	}
	again = map[string]bool{}
	for real, p := range wanted {
		came := p.as
		if known := e.places[real]; known != nil {
			p.as, p.names = slices.Concat(known.as, came), known.names
		}
		if e.hear(real, p) {
			for _, dir := range came {
				again[dir] = true
			}
		}
	}
	return again, len(again) > 0
}

// attendAll works out anew where to listen.
func (e *ears) attendAll(v *view) (fresh bool) {
	wanted := map[string]*place{}
	clear(e.homes)
	for dir := range v.dirs {
		e.enter(wanted, dir)
	}
	for _, path := range slices.Concat(v.folders, v.links(), e.files) {
		for dir, names := range junctions(path) {
			_, p := want(wanted, dir)
			maps.Copy(p.names, names)
		}
	}
	for dir := range e.places {
		if wanted[dir] == nil {
			e.deafen(dir)
		}
	}
	for dir, p := range wanted {
		fresh = e.hear(dir, p) || fresh
	}
	return fresh
}

// want returns a directory's name free of symbolic links, and what is wanted of it.
func want(wanted map[string]*place, dir string) (real string, p *place) {
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		real = dir
	}
	if p = wanted[real]; p == nil {
		p = &place{names: map[string]bool{}, stamp: stampAt(real)}
		wanted[real] = p
	}
	return real, p
}

// enter notes that a directory is one of our folders.
func (e *ears) enter(wanted map[string]*place, dir string) {
	real, p := want(wanted, dir)
	p.as = append(p.as, dir)
	e.homes[dir] = real
}

// leave notes that it is none any more.
func (e *ears) leave(dir string) {
	real := e.homes[dir]
	delete(e.homes, dir)
	p := e.places[real]
	if p == nil {
		return
	}
	p.as = slices.DeleteFunc(p.as, func(as string) bool { return as == dir })
	if len(p.as)+len(p.names) == 0 {
		e.deafen(real)
	}
}

// hear listens to a directory, and reports whether it did not before.
func (e *ears) hear(dir string, p *place) bool {
	if known := e.places[dir]; known != nil {
		if known.stamp.inode == p.stamp.inode && known.stamp.device == p.stamp.device {
			known.as, known.names = p.as, p.names
			return false
		}
		e.deafen(dir)
	}
	if e.watcher.Add(dir) != nil { // one that is not there is heard of from the one above
		return false
	}
	e.places[dir] = p
	return true
}

// deafen stops listening to a directory.
func (e *ears) deafen(dir string) {
	delete(e.places, dir)
	if err := e.watcher.Remove(dir); err != nil {
		e.again = e.again || !os.IsNotExist(err) && err != fsnotify.ErrNonExistentWatch //nolint:errorlint // it is returned as it is
	}
}

// note takes in one event and reports whether it matters.
func (e *ears) note(event fsnotify.Event) bool {
	dir, name := filepath.Split(event.Name)
	if itself := e.places[event.Name]; itself != nil {
		e.all = true
		if event.Has(fsnotify.Remove | fsnotify.Rename) {
			itself.stamp = stamp{} // nobody listens there any more, even if the same stands there again
		}
	}
	p := e.places[filepath.Clean(dir)]
	if p == nil {
		return e.all
	}
	matters := len(p.as) > 0
	for _, as := range p.as {
		e.dirs[as], e.paths[filepath.Join(as, name)] = true, true
	}
	if p.names[name] {
		e.linked, e.secret, e.all, matters = true, true, true, true
	}
	if matters && e.heard.IsZero() {
		e.heard = time.Now()
	}
	return matters
}

// idle listens until something matters, or for a while; not at all when there is
// something left to look at.
func (e *ears) idle(ctx context.Context, d time.Duration) error {
	if e.again {
		e.again, e.all, e.secret = false, true, true
		return nil
	}
	_, err := e.listen(ctx, d, true)
	if e.heard.IsZero() { // nothing was: it is time to look at all
		e.all, e.due = true, true
	}
	return err
}

// listen takes in what happens for a while; with early, until something matters.
// whole says that the while is over.
func (e *ears) listen(ctx context.Context, d time.Duration, early bool) (whole bool, err error) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	var events chan fsnotify.Event
	var lost chan error
	if e.watcher != nil {
		events, lost = e.watcher.Events, e.watcher.Errors
	}
	for {
		var matters bool
		select {
		case <-ctx.Done():
			return false, context.Cause(ctx)
		case <-timer.C:
			return true, nil
		case event := <-events:
			matters = e.note(event)
		case <-e.nudge:
			matters = true
			if e.heard.IsZero() {
				e.heard = time.Now()
			}
		case err := <-lost: // too much at once, or a directory that went: all is looked at
			matters = err != nil
			e.linked, e.secret, e.all = e.linked || matters, e.secret || matters, e.all || matters
		}
		if matters && early {
			return false, nil
		}
	}
}

package manifests

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
)

// MaxFiles is the most that folders, or a repository, may hold.
const MaxFiles = 20_000

// view is what is seen of some folders, and all folders within them. Symbolic links to files
// are followed, as config mounts need it; those to directories are not, but for the folder
// itself. A directory at which nobody looks again is as it was.
type view struct {
	folders []string
	dirs    map[string]*listing
	files   int   // how many manifests there are
	err     error // why the folders can't be seen
	// was is how directories looked when their files were last read, of those that look
	// otherwise now; nil: they were not there.
	was map[string]*listing
	// moved are directories that came, went, or are others of the same name, since somebody
	// listened to them; relinked says that there are other symbolic links since.
	moved    map[string]bool
	relinked bool
}

func newView(folders []string) *view {
	return &view{folders: folders, dirs: map[string]*listing{}, was: map[string]*listing{}, moved: map[string]bool{}}
}

// look looks at these directories again, where they are part of the folders, and at what is
// new in them; at all of the folders when again is nil. It reports whether it looks otherwise
// than before.
func (v *view) look(again map[string]bool) bool {
	w := &walk{view: v}
	var err error
	if again == nil {
		w.there = map[string]bool{}
		err = w.all()
	} else {
		err = w.some(again)
	}
	if err == nil && v.files > MaxFiles {
		err = tooMany(v.folders[0])
	}
	changed := w.changed || fmt.Sprint(v.err) != fmt.Sprint(err)
	v.err = err
	return changed
}

// has reports whether a file of manifests was seen.
func (v *view) has(path string) bool {
	_, has := v.stamp(path)
	return has
}

// stamp returns that of a file of manifests as it was seen; false: there is none.
func (v *view) stamp(path string) (stamp, bool) {
	dir := v.dirs[filepath.Dir(path)]
	if dir == nil {
		return stamp{}, false
	}
	at, has := dir.files[path]
	return at, has
}

// links returns the symbolic links among the files.
func (v *view) links() []string {
	var out []string
	for _, dir := range v.dirs {
		out = slices.AppendSeq(out, maps.Keys(dir.links))
	}
	return out
}

// emptied reports whether a file that held something is empty.
func (v *view) emptied() bool {
	for dir, was := range v.was {
		for path, now := range v.dirs[dir].all() {
			if before, had := was.all()[path]; had && now.size == 0 && before.size > 0 {
				return true
			}
		}
	}
	return false
}

// news returns the files that look otherwise than when they were read, and those that went.
func (v *view) news() (others map[string]stamp, gone []string) {
	others = map[string]stamp{}
	for dir, was := range v.was {
		before, now := was.all(), v.dirs[dir].all()
		for path, stamp := range now {
			if at, had := before[path]; !had || at != stamp {
				others[path] = stamp
			}
		}
		for path := range before {
			if _, has := now[path]; !has {
				gone = append(gone, path)
			}
		}
	}
	return others, gone
}

// walk is the work on one look.
type walk struct {
	*view
	there   map[string]bool // directories that were looked at; nil: only what is new is looked at
	found   int             // files in them
	changed bool
}

// all looks at everything, and forgets what is not there.
func (w *walk) all() error {
	for _, folder := range w.folders {
		if err := w.visit(folder); err != nil {
			return err
		}
	}
	for dir := range w.dirs {
		if !w.there[dir] {
			w.set(dir, nil)
		}
	}
	return nil
}

// some looks at some directories.
func (w *walk) some(again map[string]bool) error {
	for dir := range again {
		before := w.dirs[dir]
		if before == nil {
			continue
		}
		err := w.visit(dir)
		if errors.Is(err, fs.ErrNotExist) && !slices.Contains(w.folders, dir) {
			w.drop(dir)
			continue
		}
		if err != nil {
			return err
		}
		for _, sub := range before.subs {
			if _, has := slices.BinarySearch(w.dirs[dir].subs, sub); !has {
				w.drop(sub)
			}
		}
	}
	return nil
}

// visit looks at a directory, and at those within it that are not known.
func (w *walk) visit(dir string) error {
	seen, err := list(dir)
	if err != nil {
		return err
	}
	w.set(dir, seen)
	if w.there != nil {
		w.there[dir] = true
	}
	if w.found += len(seen.files); w.found > MaxFiles {
		return tooMany(dir)
	}
	for _, sub := range seen.subs {
		if w.there == nil && w.dirs[sub] != nil {
			continue
		}
		if err := w.visit(sub); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// drop forgets a directory and those within it.
func (w *walk) drop(dir string) {
	if before := w.dirs[dir]; before != nil {
		w.set(dir, nil)
		for _, sub := range before.subs {
			w.drop(sub)
		}
	}
}

// set notes how a directory looks; nil: it is not there.
func (w *walk) set(dir string, now *listing) {
	before := w.dirs[dir]
	if before.equal(now) {
		return
	}
	w.changed = true
	if _, noted := w.was[dir]; !noted {
		w.was[dir] = before
	}
	if before == nil || now == nil || before.self != now.self {
		w.moved[dir] = true
	}
	w.relinked = w.relinked || !maps.Equal(before.symlinks(), now.symlinks())
	w.files += len(now.all()) - len(before.all())
	if now == nil {
		delete(w.dirs, dir)
	} else {
		w.dirs[dir] = now
	}
}

func tooMany(dir string) error {
	return fmt.Errorf("there are more than %d manifests, with those in %s", MaxFiles, dir)
}

package manifests

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// MaxFiles is the most that folders, or a repository, may hold.
const MaxFiles = 20_000

// The most that folders may hold.
const (
	maxLinks = 40 // symbolic links in one path, as the kernel has it
)

// look is what was seen of the folders at one moment. It is immutable, and shares
// with the look before what nobody looked at again.
type look struct {
	dirs map[string]*listing
	err  error // why it could not be seen
}

// listing is what was seen of one directory.
type listing struct {
	self  stamp            // device and inode alone
	files map[string]stamp // manifests, by path
	links map[string]bool  // those of them that are symbolic links
	subs  []string         // directories in it, by path, sorted
}

func (l look) equal(o look) bool {
	return fmt.Sprint(l.err) == fmt.Sprint(o.err) && maps.EqualFunc(l.dirs, o.dirs, func(a, b *listing) bool {
		return a == b || a.self == b.self && maps.Equal(a.files, b.files) && maps.Equal(a.links, b.links) && slices.Equal(a.subs, b.subs)
	})
}

// has reports whether a file of manifests was seen.
func (l look) has(path string) bool {
	dir := l.dirs[filepath.Dir(path)]
	if dir == nil {
		return false
	}
	_, has := dir.files[path]
	return has
}

// holds reports whether every file of an earlier look was seen again.
func (l look) holds(earlier look) bool {
	for path, before := range earlier.dirs {
		now := l.dirs[path]
		if now == before {
			continue
		}
		for file := range before.files {
			if now == nil {
				return false
			}
			if _, has := now.files[file]; !has {
				return false
			}
		}
	}
	return true
}

// links returns the symbolic links among the files.
func (l look) links() []string {
	var out []string
	for _, dir := range l.dirs {
		out = slices.AppendSeq(out, maps.Keys(dir.links))
	}
	return out
}

// stamp tells one version of a file from another.
type stamp struct {
	device, inode  uint64
	size           int64
	changed, wrote syscall.Timespec
}

func stampOf(info fs.FileInfo) stamp {
	s := stamp{size: info.Size()}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		s.device, s.inode, s.changed, s.wrote = stat.Dev, stat.Ino, stat.Ctim, stat.Mtim
	}
	return s
}

// stampAt returns the stamp of the file at a path; the zero stamp when there is none.
func stampAt(path string) stamp {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}
	}
	return stampOf(info)
}

// IsManifest reports whether a file of that name holds manifests. What begins
// with a dot is not: Kubernetes, Git and editors keep their own things so.
func IsManifest(name string) bool {
	return !strings.HasPrefix(name, ".") && (strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml"))
}

// take looks at the folders. Symbolic links to files are followed, as config
// mounts need it; those to directories are not, but for the folder itself. A
// directory of which again says no is as it was before; nil: all are looked at.
func take(folders []string, before look, again func(dir string) bool) look {
	l := look{dirs: map[string]*listing{}}
	files := 0
	for _, folder := range folders {
		if err := l.walk(folder, before, again, &files); err != nil {
			l.err = err
			return l
		}
	}
	return l
}

// walk looks at a directory and those within it.
func (l *look) walk(dir string, before look, again func(string) bool, files *int) error {
	seen := before.dirs[dir]
	if seen == nil || again == nil || again(dir) {
		var err error
		if seen, err = list(dir); err != nil {
			return err
		}
	}
	l.dirs[dir] = seen
	if *files += len(seen.files); *files > MaxFiles {
		return fmt.Errorf("there are more than %d manifests, with those in %s", MaxFiles, dir)
	}
	for _, sub := range seen.subs {
		if err := l.walk(sub, before, again, files); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// list looks at one directory.
func list(dir string) (*listing, error) {
	entries, err := os.ReadDir(dir) // sorted
	if err != nil {
		return nil, err
	}
	self := stampAt(dir)
	l := &listing{self: stamp{device: self.device, inode: self.inode}, files: map[string]stamp{}, links: map[string]bool{}}
	infos, wrong := make([]fs.FileInfo, len(entries)), make([]error, len(entries))
	each(len(entries), func(i int) {
		if name := entries[i].Name(); IsManifest(name) && !entries[i].IsDir() {
			infos[i], wrong[i] = os.Stat(filepath.Join(dir, name))
		}
	})
	for i, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		switch info, err := infos[i], wrong[i]; {
		case errors.Is(err, fs.ErrNotExist): // gone meanwhile, or a link to nothing
		case err != nil:
			return nil, err
		case entry.IsDir() && !strings.HasPrefix(entry.Name(), "."):
			l.subs = append(l.subs, path)
		case info != nil && !info.IsDir():
			l.files[path] = stampOf(info)
			if entry.Type()&fs.ModeSymlink != 0 {
				l.links[path] = true
			}
		}
	}
	return l, nil
}

// junctions returns where a path could be made to lead somewhere else: for every
// step of it, through symbolic links too, the directory and the name in it. Where
// something on the way is missing, the last one is what would have to appear.
func junctions(path string) map[string]map[string]bool {
	out := map[string]map[string]bool{}
	links := 0
	var walk func(path string) string
	walk = func(path string) string {
		at := "/"
		for part := range strings.SplitSeq(strings.Trim(filepath.Clean(path), "/"), "/") {
			if part == "" {
				continue
			}
			if out[at] == nil {
				out[at] = map[string]bool{}
			}
			out[at][part] = true
			next := filepath.Join(at, part)
			target, err := os.Readlink(next)
			if err != nil { // no link, or not there
				at = next
				continue
			}
			if links++; links > maxLinks {
				return at
			}
			if !filepath.IsAbs(target) {
				target = filepath.Join(at, target)
			}
			at = walk(target)
		}
		return at
	}
	walk(path)
	return out
}

package manifests

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// The most that folders may hold.
const (
	maxFiles = 20_000
	maxLinks = 40 // symbolic links in one path, as the kernel has it
)

// look is what was seen of the folders at one moment: every file of manifests
// with what tells one version of it from another, and every directory.
type look struct {
	files map[string]stamp
	links map[string]bool  // those of the files that are symbolic links
	dirs  map[string]stamp // device and inode alone
	err   string           // why it could not be seen
}

func (l look) equal(o look) bool {
	return l.err == o.err && maps.Equal(l.files, o.files) && maps.Equal(l.dirs, o.dirs) && maps.Equal(l.links, o.links)
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

// isManifest reports whether a file of that name holds manifests. What begins
// with a dot is not: Kubernetes, Git and editors keep their own things so.
func isManifest(name string) bool {
	return !strings.HasPrefix(name, ".") && (strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml"))
}

// take looks at the folders. Symbolic links to files are followed, as config
// mounts need it; those to directories are not, but for the folder itself.
func take(folders []string) look {
	l := look{files: map[string]stamp{}, links: map[string]bool{}, dirs: map[string]stamp{}}
	for _, folder := range folders {
		if err := l.walk(folder); err != nil {
			l.err = err.Error()
			return l
		}
	}
	return l
}

func (l *look) walk(dir string) error {
	entries, err := os.ReadDir(dir) // sorted
	if err != nil {
		return err
	}
	itself := stampAt(dir)
	l.dirs[dir] = stamp{device: itself.device, inode: itself.inode}
	for _, entry := range entries {
		name := entry.Name()
		path := filepath.Join(dir, name)
		switch {
		case strings.HasPrefix(name, "."):
		case entry.IsDir():
			if err := l.walk(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		case isManifest(name):
			info, err := os.Stat(path)
			if errors.Is(err, fs.ErrNotExist) { // gone meanwhile, or a link to nothing
				continue
			}
			if err != nil {
				return err
			}
			if info.IsDir() {
				continue
			}
			if entry.Type()&fs.ModeSymlink != 0 {
				l.links[path] = true
			}
			if l.files[path] = stampOf(info); len(l.files) > maxFiles {
				return fmt.Errorf("there are more than %d manifests in %s", maxFiles, dir)
			}
		}
	}
	return nil
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

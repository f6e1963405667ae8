package manifests

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// maxLinks is the most symbolic links in one path, as the kernel has it.
const maxLinks = 40

// listing is what was seen of one directory.
type listing struct {
	self  stamp            // device and inode alone
	files map[string]stamp // manifests, by path
	links map[string]bool  // those of them that are symbolic links
	subs  []string         // directories in it, by path, sorted
}

// equal reports whether two directories look the same; nil is one that is not there.
func (l *listing) equal(o *listing) bool {
	if l == nil || o == nil {
		return l == o
	}
	return l.self == o.self && maps.Equal(l.files, o.files) && maps.Equal(l.links, o.links) && slices.Equal(l.subs, o.subs)
}

// all returns the manifests, by path.
func (l *listing) all() map[string]stamp {
	if l == nil {
		return nil
	}
	return l.files
}

// symlinks returns those of the manifests that are symbolic links.
func (l *listing) symlinks() map[string]bool {
	if l == nil {
		return nil
	}
	return l.links
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

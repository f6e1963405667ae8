package git

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/manifests"
)

// The bounds of what is read of one commit, besides those of its files.
const (
	maxTotal   = 128 << 20 // bytes of all manifests together
	maxEntries = 500_000   // that are looked at
	maxNested  = 64        // directories within each other
	maxSubject = 100       // characters of what a commit says of itself
)

// gathering is the work on one commit.
type gathering struct {
	commit  string
	tree    manifests.Tree
	total   int64
	entries int
	known   texts // of the commit before
	seen    texts
}

// texts are the manifests of a commit by their objects' ids, which tell them apart: one
// that was read before need not be read again.
type texts map[plumbing.Hash][]byte

// gather reads the manifests below a directory of a commit, "" for all. Files are
// taken from the commit itself: what would lead elsewhere (symbolic links,
// submodules) is named as a problem, and never followed. known are the texts of a
// commit before; those of this one are returned.
func gather(commit *object.Commit, dir string, known texts) (manifests.Tree, texts, error) {
	g := &gathering{commit: commit.Hash.String(), known: known, seen: texts{}}
	g.tree.Commit, g.tree.Made = g.commit, madeAt(commit)
	g.tree.Author, g.tree.Subject = v1.OneLine(commit.Author.Name), subject(commit.Message)
	root, err := commit.Tree()
	if err != nil {
		return manifests.Tree{}, nil, fmt.Errorf("read the files of %s: %w", short(g.commit), err)
	}
	at, err := g.descend(root, dir)
	if err != nil {
		return manifests.Tree{}, nil, err
	}
	if err := g.walk(at, dir, 0); err != nil {
		return manifests.Tree{}, nil, err
	}
	slices.SortFunc(g.tree.Leaves, func(a, b manifests.Leaf) int { return cmp.Compare(a.Path, b.Path) })
	slices.SortFunc(g.tree.Problems, func(a, b v1.Problem) int { return cmp.Compare(a.Origin.File, b.Origin.File) })
	return g.tree, g.seen, nil
}

// subject returns the first line of what a commit says of itself, fit for a line of the log.
func subject(message string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(message), "\n")
	if runes := []rune(v1.OneLine(line)); len(runes) > maxSubject {
		return string(runes[:maxSubject]) + "…"
	}
	return v1.OneLine(line)
}

// madeAt is when a commit was made, as it says itself; zero for what can't be written
// down: any number may stand there.
func madeAt(commit *object.Commit) time.Time {
	when := commit.Committer.When.UTC()
	if year := when.Year(); year < 1 || year > 9999 {
		return time.Time{}
	}
	return when
}

// descend finds the directory of --git-path.
func (g *gathering) descend(at *object.Tree, dir string) (*object.Tree, error) {
	if dir == "" {
		return at, nil
	}
	walked := ""
	for name := range strings.SplitSeq(dir, "/") {
		walked = path.Join(walked, name)
		i := slices.IndexFunc(at.Entries, func(e object.TreeEntry) bool { return e.Name == name })
		switch {
		case i < 0:
			return nil, unfit("correct --git-path, or commit it", "the commit %s has no directory %q", short(g.commit), walked)
		case at.Entries[i].Mode != filemode.Dir:
			return nil, unfit("name one with --git-path", "%q in the commit %s is %s, not a directory", walked, short(g.commit), shape(at.Entries[i].Mode))
		}
		next, err := at.Tree(name)
		if err != nil {
			return nil, fmt.Errorf("read %q of %s: %w", walked, short(g.commit), err)
		}
		at = next
	}
	return at, nil
}

// shape says what an entry is.
func shape(mode filemode.FileMode) string {
	switch mode {
	case filemode.Submodule:
		return "a submodule"
	case filemode.Symlink:
		return "a symbolic link"
	}
	return "a file"
}

// walk reads a directory and those within it.
func (g *gathering) walk(at *object.Tree, dir string, depth int) error {
	if depth > maxNested {
		return unfit("name one further in with --git-path", "the commit %s has more than %d directories within each other", short(g.commit), maxNested)
	}
	if g.entries += len(at.Entries); g.entries > maxEntries {
		return unfit("name a directory of it with --git-path", "the commit %s has more than %d files", short(g.commit), maxEntries)
	}
	for _, entry := range at.Entries {
		file := path.Join(dir, entry.Name)
		switch {
		case strings.HasPrefix(entry.Name, "."): // as in folders
		case entry.Mode == filemode.Submodule:
			g.problem(file, "it is a submodule, which is not read", "keep its files in this repository, or name a directory beside it with --git-path")
		case entry.Mode == filemode.Dir && !decent(entry.Name), entry.Mode != filemode.Dir && manifests.IsManifest(entry.Name) && !decent(entry.Name):
			g.problem(v1.OneLine(file), "its name can't be shown as it is", "give it a name of letters, digits, - and _")
		case entry.Mode == filemode.Dir:
			next, err := at.Tree(entry.Name)
			if err != nil {
				return fmt.Errorf("read %q of %s: %w", file, short(g.commit), err)
			}
			if err := g.walk(next, file, depth+1); err != nil {
				return err
			}
		case !manifests.IsManifest(entry.Name):
		case entry.Mode == filemode.Symlink:
			g.tree.Problems = append(g.tree.Problems, manifests.SymbolicLink(g.place(file)))
		default:
			if err := g.take(at, entry, file); err != nil {
				return err
			}
		}
	}
	return nil
}

// take reads one manifest.
func (g *gathering) take(at *object.Tree, entry object.TreeEntry, file string) (err error) {
	if len(g.tree.Leaves) == manifests.MaxFiles {
		return unfit("name a directory of it with --git-path", "the commit %s has more than %d manifests", short(g.commit), manifests.MaxFiles)
	}
	if text, known := g.known[entry.Hash]; known {
		return g.keep(file, text, entry.Hash)
	}
	if first, err := at.FindEntry(entry.Name); err != nil || first.Hash != entry.Hash {
		g.problem(file, "its directory names it twice", "commit it anew")
		return nil
	}
	size, err := at.Size(entry.Name) // before it is read: the library reads all of it
	if err != nil {
		return fmt.Errorf("read %q of %s: %w", file, short(g.commit), err)
	}
	if size > manifests.MaxBytes {
		g.problem(file, fmt.Sprintf("the file has %d bytes, the most is %d", size, manifests.MaxBytes), "divide it into several files")
		return nil
	}
	found, err := at.TreeEntryFile(&entry)
	if err != nil {
		return fmt.Errorf("read %q of %s: %w", file, short(g.commit), err)
	}
	from, err := found.Reader()
	if err != nil {
		return fmt.Errorf("read %q of %s: %w", file, short(g.commit), err)
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	text, err := io.ReadAll(io.LimitReader(from, manifests.MaxBytes))
	if err != nil {
		return fmt.Errorf("read %q of %s: %w", file, short(g.commit), err)
	}
	return g.keep(file, text, entry.Hash)
}

// keep adds one manifest.
func (g *gathering) keep(file string, text []byte, id plumbing.Hash) error {
	if g.total += int64(len(text)); g.total > maxTotal {
		return unfit("name a directory of it with --git-path", "the manifests in %s have more than %d MiB together", short(g.commit), maxTotal>>20)
	}
	g.seen[id] = text
	g.tree.Leaves = append(g.tree.Leaves, manifests.Leaf{Path: file, Text: text})
	return nil
}

// problem notes what is wrong with one entry.
func (g *gathering) problem(file, message, fix string) {
	g.tree.Problems = append(g.tree.Problems, v1.Problem{
		Reason: v1.InvalidManifest, Origin: g.place(file), Message: message, Fix: fix,
	})
}

func (g *gathering) place(file string) v1.Origin {
	return v1.Origin{File: v1.OneLine(file), Commit: g.commit}
}

// decent reports whether a name can be part of a place that is shown.
func decent(name string) bool {
	return name != "" && name != ".." && utf8.ValidString(name) && v1.OneLine(name) == name && !strings.ContainsAny(name, "/\\")
}

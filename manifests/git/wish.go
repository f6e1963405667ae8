package git

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/storer"
)

// wish is what a server is asked for to come to a commit.
type wish struct {
	commit  plumbing.Hash   // where that is to lead
	objects []plumbing.Hash // what is asked for
	history bool            // with all that came before them
}

// String tells one wish from another.
func (w wish) String() string { return fmt.Sprint(w.commit, w.objects, w.history) }

// find returns what to ask a server for, to have what a ref points to.
func find(offered *packp.AdvRefs, ref string) (wish, error) {
	if isID(ref) {
		return findID(offered, plumbing.NewHash(ref))
	}
	for _, name := range spelled(ref) {
		hash, has := offered.References[name]
		if name == plumbing.HEAD.String() && offered.Head != nil {
			hash, has = *offered.Head, true
		}
		if !has {
			continue
		}
		if peeled, isTag := offered.Peeled[name]; isTag {
			return wish{commit: peeled, objects: []plumbing.Hash{hash}}, nil
		}
		return wish{commit: hash, objects: []plumbing.Hash{hash}}, nil
	}
	names := make([]string, 0, len(offered.References))
	for name := range offered.References {
		names = append(names, name)
	}
	return wish{}, missing(ref, names)
}

// findID returns what to ask for, to have a commit itself: by a name that points to it, by
// its id where the server allows that, else by everything, for it is somewhere in the history.
func findID(offered *packp.AdvRefs, id plumbing.Hash) (wish, error) {
	var all []plumbing.Hash
	for name, hash := range offered.References {
		if hash == id || offered.Peeled[name] == id {
			return wish{commit: id, objects: []plumbing.Hash{hash}}, nil
		}
		if strings.HasPrefix(name, branches) || strings.HasPrefix(name, tags) {
			all = append(all, hash)
		}
	}
	if offered.Capabilities.Supports(capability.AllowReachableSHA1InWant) {
		return wish{commit: id, objects: []plumbing.Hash{id}}, nil
	}
	if len(all) == 0 {
		return wish{}, noSuchCommit(id)
	}
	slices.SortFunc(all, func(a, b plumbing.Hash) int { return bytes.Compare(a[:], b[:]) })
	return wish{commit: id, objects: slices.Compact(all), history: true}, nil
}

// explain adds to why a fetch failed what was fetched beyond the commit.
func (w wish) explain(err error) error {
	if !w.history || err == nil {
		return err
	}
	return fmt.Errorf("the server hands out no commit by its id (uploadpack.allowReachableSHA1InWant), so all branches and tags were asked for with their history: %w", err)
}

// read returns the commit out of what was fetched.
func (w wish) read(objects storer.EncodedObjectStorer) (*object.Commit, error) {
	if w.history || len(w.objects) == 1 && w.objects[0] == w.commit {
		return commitOf(objects, w.commit.String())
	}
	found, err := commitAt(objects, w.objects[0])
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", short(w.objects[0].String()), err)
	}
	return found, nil
}

// commitOf returns the commit with an id.
func commitOf(objects storer.EncodedObjectStorer, id string) (*object.Commit, error) {
	hash := plumbing.NewHash(id)
	found, err := commitAt(objects, hash)
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return nil, noSuchCommit(hash)
	}
	if err == nil && found.Hash != hash {
		err = errors.New("it is the id of a tag; write that of the commit, or the tag's name")
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", short(id), err)
	}
	return found, nil
}

// noCommitError says that a repository does not have a commit.
type noCommitError struct{ id plumbing.Hash }

func (e noCommitError) Error() string {
	return fmt.Sprintf("no branch or tag of the repository leads to commit %s; push one that does, or name another with --git-ref", e.id)
}

func noSuchCommit(id plumbing.Hash) error { return noCommitError{id} }

// commitAt returns the commit that an object is or, as a tag, leads to.
func commitAt(objects storer.EncodedObjectStorer, hash plumbing.Hash) (*object.Commit, error) {
	for range 5 { // tags of tags
		found, err := object.GetObject(objects, hash)
		if err != nil {
			return nil, err
		}
		switch o := found.(type) {
		case *object.Commit:
			return o, nil
		case *object.Tag:
			hash = o.Target
		default:
			return nil, errors.New("the ref leads to no commit")
		}
	}
	return nil, errors.New("the ref leads through too many tags")
}

package git

import (
	"context"
	"errors"
	"fmt"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// local is a repository on this machine, bare or with a checkout. It is read where
// it is: nothing is fetched, no program is run, and nothing is written.
type local struct{ path string }

// look implements remote.
func (l local) look(_ context.Context, ref, known string, read func(*object.Commit) error) (tip string, err error) {
	err = safely(func() (err error) {
		tip, err = l.ask(ref, known, read)
		return err
	})
	return tip, err
}

// ask is look without a guard.
func (l local) ask(ref, known string, read func(*object.Commit) error) (string, error) {
	repository, err := gogit.PlainOpenWithOptions(l.path, &gogit.PlainOpenOptions{EnableDotGitCommonDir: true})
	if errors.Is(err, gogit.ErrRepositoryNotExists) {
		return "", fmt.Errorf("%s is no repository; name the directory that git init made, with --git-url", l.path)
	}
	if err != nil {
		return "", fmt.Errorf("open %s: %w", l.path, err)
	}
	if isID(ref) {
		if ref == known {
			return known, nil
		}
		commit, err := commitOf(repository.Storer, ref)
		if err != nil {
			return "", err
		}
		return ref, read(commit)
	}
	var names []string
	for _, name := range spelled(ref) {
		found, err := repository.Reference(plumbing.ReferenceName(name), true)
		if errors.Is(err, plumbing.ErrReferenceNotFound) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("read %s: %w", name, err)
		}
		commit, err := commitAt(repository.Storer, found.Hash())
		if err != nil {
			return "", fmt.Errorf("read %s: %w", short(found.Hash().String()), err)
		}
		if commit.Hash.String() == known {
			return known, nil
		}
		return commit.Hash.String(), read(commit)
	}
	all, err := repository.References()
	if err != nil {
		return "", fmt.Errorf("list the branches of %s: %w", l.path, err)
	}
	err = all.ForEach(func(r *plumbing.Reference) error {
		names = append(names, r.Name().String())
		return nil
	})
	return "", errors.Join(err, missing(ref, names))
}

package manifests

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// Misplaced says what of the manifests in folders the daemon would refuse for where it stands,
// whatever it says: a Config among what is served and, where pushed says that a folder that is part
// of a git repository is one to be followed there, symbolic links, of which none is followed then.
// texts are what ReadAll read of the same paths; what is named itself, and not found in a folder,
// stands wherever its owner wants it.
func Misplaced(paths []string, texts map[string][]byte, pushed bool) ([]v1.Problem, error) {
	var problems []v1.Problem
	inFolders := map[string]bool{}
	for _, folder := range paths {
		if _, isFile := texts[folder]; isFile {
			continue
		}
		inGit := false
		if pushed {
			var err error
			if inGit, err = inRepository(folder); err != nil {
				return nil, err
			}
		}
		root := folder + string(filepath.Separator) // which may be a link itself
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case path != root && entry.IsDir() && strings.HasPrefix(entry.Name(), "."):
				return filepath.SkipDir
			case entry.IsDir() || !IsManifest(entry.Name()):
				return nil
			case inGit && entry.Type()&fs.ModeSymlink != 0:
				problems = append(problems, SymbolicLink(v1.Origin{File: path}))
			}
			inFolders[path] = true
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("look through %s: %w", folder, err)
		}
	}
	for path, text := range texts {
		if inFolders[path] && !slices.Contains(paths, path) {
			problems = append(problems, configsIn(Right(path, text))...)
		}
	}
	return sorted(problems), nil
}

// SymbolicLink says what is wrong with a manifest that is a symbolic link, in a repository.
func SymbolicLink(at v1.Origin) v1.Problem {
	return v1.Problem{
		Reason: v1.InvalidManifest, Origin: at,
		Message: "it is a symbolic link, which is not followed in a repository", Fix: "commit the file itself",
	}
}

// inRepository reports whether a folder is part of a git repository's work tree.
func inRepository(folder string) (bool, error) {
	at, err := filepath.Abs(folder)
	if err != nil {
		return false, err
	}
	if at, err = filepath.EvalSymlinks(at); err != nil {
		return false, err
	}
	for {
		if _, err := os.Lstat(filepath.Join(at, ".git")); err == nil {
			return true, nil
		}
		up := filepath.Dir(at)
		if up == at {
			return false, nil
		}
		at = up
	}
}

package git

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// Where branches and tags stand.
const (
	branches = "refs/heads/"
	tags     = "refs/tags/"
	allRefs  = "refs/"
)

var (
	refPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/@+-]*$`)
	commitID   = regexp.MustCompile(`^[0-9a-f]{40}$`)
	longID     = regexp.MustCompile(`^[0-9a-fA-F]{64}$`)
	partOfID   = regexp.MustCompile(`^[0-9a-f]{7,39}$`)
)

// isID reports whether a ref is the id of a commit, which never moves.
func isID(ref string) bool { return commitID.MatchString(ref) }

// checkRef checks the name of a branch or tag, or the id of a commit.
func checkRef(ref string) error {
	switch {
	case longID.MatchString(ref):
		return fmt.Errorf("it is the id of a commit in a repository of SHA-256, which can't be read yet; name a branch or a tag of one of SHA-1")
	case !refPattern.MatchString(ref) || strings.Contains(ref, "..") || strings.HasSuffix(ref, "/") || strings.HasSuffix(ref, ".lock"):
		return fmt.Errorf("it is no name of a branch or a tag, for example main, v1.2 or refs/heads/main, and no id of a commit with 40 digits")
	}
	return nil
}

// spelled returns what a ref may be called in full, a branch before a tag.
func spelled(ref string) []string {
	if ref == plumbing.HEAD.String() || strings.HasPrefix(ref, allRefs) {
		return []string{ref}
	}
	return []string{branches + ref, tags + ref}
}

// missing says that a repository has no such ref, with the nearest that it has.
func missing(ref string, names []string) error {
	if ref == plumbing.HEAD.String() {
		return fmt.Errorf("the repository names no branch of its own; name one with --git-ref")
	}
	if partOfID.MatchString(ref) {
		return fmt.Errorf("the repository has no branch or tag %q; if it is the beginning of a commit's id, write all 40 digits with --git-ref", ref)
	}
	var known []string
	for _, name := range names {
		if !refPattern.MatchString(name) { // a stranger wrote it
			continue
		}
		if !strings.HasPrefix(ref, allRefs) {
			name = strings.TrimPrefix(strings.TrimPrefix(name, branches), tags)
		}
		known = append(known, name)
	}
	if near := v1.Nearest(ref, known); near != "" {
		return fmt.Errorf("the repository has no branch or tag %q; did you mean --git-ref %s?", ref, near)
	}
	return fmt.Errorf("the repository has no branch or tag %q; push it, or name another with --git-ref", ref)
}

// short returns as much of a commit's id as people read.
func short(commit string) string { return commit[:min(12, len(commit))] }

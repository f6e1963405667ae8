package manifests

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

// TestMovedAndBack: a directory that was moved and stands where it stood is listened to as
// before, though nobody saw it gone.
func TestMovedAndBack(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	sub := filepath.Join(dir, "sub")
	path := filepath.Join(sub, "a.yaml")
	write(t, path, service("a", "/1"))
	v, e := newView([]string{dir}), newEars(nil)
	defer e.close()
	look := func() {
		v.look(nil)
		e.attend(v)
		e.reset()
	}
	hear := func(what string, heard func() bool) {
		t.Helper()
		ctx, stop := context.WithTimeout(t.Context(), patience)
		defer stop()
		for !heard() {
			if _, err := e.listen(ctx, patience, true); err != nil {
				t.Fatalf("%s was not heard: %v", what, err)
			}
		}
	}
	look()
	must(t, os.Rename(sub, dir+".away"))
	must(t, os.Rename(dir+".away", sub))
	hear("that it went", func() bool { return e.all && e.paths[sub] })
	look()
	must(t, os.Remove(path))
	hear("what happened in it", func() bool { return e.paths[path] })
}

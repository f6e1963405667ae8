package manifests

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestViewIsWhatIsThere: who looks again at the directories alone in which something happened
// sees what somebody does who looks at everything for the first time, and what of it is news.
func TestViewIsWhatIsThere(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	random := rand.New(rand.NewPCG(3, 9)) //nolint:gosec // a walk, not secrets
	target := filepath.Join(folder(t), "target.yaml")
	seen := newView([]string{dir})
	seen.look(nil)
	read := map[string]stamp{} // files as they were read last
	for step := range 300 {
		again := map[string]bool{}
		for range 1 + random.IntN(3) {
			at := dir
			for range random.IntN(3) {
				again[at] = true
				at = filepath.Join(at, fmt.Sprintf("d%d", random.IntN(3)))
			}
			again[at], again[filepath.Dir(at)] = true, true
			path := filepath.Join(at, fmt.Sprintf("%d.yaml", random.IntN(3)))
			switch random.IntN(5) {
			case 0, 1:
				write(t, path, fmt.Sprint(step))
			case 2:
				must(t, os.RemoveAll(path))
			case 3:
				if at != dir {
					must(t, os.RemoveAll(at))
				}
			case 4:
				must(t, os.RemoveAll(path))
				must(t, os.MkdirAll(at, 0o755))
				write(t, target, fmt.Sprint(step))
				must(t, os.Symlink(target, path))
			}
		}
		for _, link := range seen.links() { // they look as what they lead to
			again[filepath.Dir(link)] = true
		}
		seen.look(again)
		fresh := newView([]string{dir})
		fresh.look(nil)
		if seen.err != nil || fresh.err != nil || seen.files != fresh.files || !maps.EqualFunc(seen.dirs, fresh.dirs, (*listing).equal) {
			t.Fatalf("step %d: %v, %v; %d files, want %d; it sees (-all at once +one by one):\n%s", step, seen.err, fresh.err, seen.files, fresh.files,
				cmp.Diff(fresh.names(), seen.names(), cmp.AllowUnexported(stamp{})))
		}
		if seen.look(nil) {
			t.Fatalf("step %d: a look at everything finds more", step)
		}
		if random.IntN(2) == 0 {
			continue // nobody reads yet
		}
		others, gone := seen.news()
		clear(seen.was)
		maps.Copy(read, others)
		for _, path := range gone {
			delete(read, path)
		}
		if now := fresh.names(); !maps.Equal(read, now) {
			t.Fatalf("step %d: the news add up to something else (-there +news):\n%s", step, cmp.Diff(now, read, cmp.AllowUnexported(stamp{})))
		}
	}
}

// names returns all files and how they look.
func (v *view) names() map[string]stamp {
	out := map[string]stamp{}
	for _, dir := range v.dirs {
		maps.Copy(out, dir.files)
	}
	return out
}

package manifests

import (
	"path/filepath"
	"testing"
)

// TestConfigIsNotServed: a Config among what is followed is an error of its file, and
// what the file said before stays.
func TestConfigIsNotServed(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	path := filepath.Join(dir, "a.yaml")
	write(t, path, service("a", "/1"))
	w := watch(t, nil, dir)
	w.has("a: /1")
	rename(t, path, service("a", "/2")+"---\napiVersion: lockstep.dev/v1\nkind: Config\nmetadata: {name: edge}\n")
	w.complains("a.yaml:9:18: InvalidManifest: a Config says how the daemon runs, and is read at its start alone; keep it elsewhere, and name it with --config")
	w.has("a: /1")
}

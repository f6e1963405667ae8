package config

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
)

// endOfBase ends what belongs to no service.
const endOfBase = "# the services stand in " + disk.ShardPrefix + "*.cfg\n"

// FuzzParse: whatever stands in our files, reading them neither fails nor
// makes up what could not be written again.
func FuzzParse(f *testing.F) {
	f.Add([]byte("global\n"+endOfBase), []byte("backend lockstep:a from x\n  server a 1.2.3.4:5 weight 0 # draining 3 # id b\n"), []byte(`# route {"name":"a.b","service":"a","hosts":["x"]}`+"\n"))
	f.Add([]byte("global\n"+endOfBase), []byte("backend lockstep::spare00001 from x # service a\n  timeout connect 5000ms\n  # retired\nbackend lockstep::spare00002 from x # service a\n"), []byte(nil))
	f.Fuzz(func(t *testing.T, base, services, routes []byte) {
		m := Parse("lockstep", map[string][]byte{disk.Config: base, File("a"): services, File(pools[0].name(1)): services}, routes)
		written := texts(m)
		again := Parse("lockstep", written, routemap.New("lockstep", m).Render())
		if d := cmp.Diff(texts(m), texts(again)); m.Base() != "" && d != "" && bytes.Count(written[disk.Config], []byte(endOfBase)) == 1 {
			t.Fatalf("-once +twice:\n%s", d)
		}
	})
}

// texts returns the text of every file by its name.
func texts(m *Model) map[string][]byte {
	all := map[string][]byte{}
	for _, name := range m.Files() {
		all[name] = m.Render(name)
	}
	return all
}

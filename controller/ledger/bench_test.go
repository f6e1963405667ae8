package ledger

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/journal"
)

// crowd is beside how many services the benchmarks save.
const crowd = 5000

// BenchmarkSave saves the change of one service beside many others.
func BenchmarkSave(b *testing.B) {
	dir := b.TempDir()
	store, err := Open(dir)
	if err != nil {
		b.Fatal(err)
	}
	l := crowded()
	bench(b, Path(dir), func() error { return saved(store, l) }, func(n int) { put(l, n%crowd, n) })
	if err := store.Close(); err != nil {
		b.Error(err)
	}
}

// crowded returns a ledger of many services.
func crowded() *Ledger {
	l := New()
	for i := range crowd {
		put(l, i, 0)
	}
	return l
}

// put has a service ask for something, n says for what.
func put(l *Ledger, i, n int) {
	name := fmt.Sprintf("s%04d.shop", i)
	l.Claims.Set("kong "+name+".test /", name+".default")
	l.Services.Set(name, Service{Settings: v1.Service{
		Name: name, Grace: 10 * time.Minute, ConnectTimeout: time.Second, ReadTimeout: time.Duration(n), WriteTimeout: time.Minute,
		Routes: []v1.Route{{Name: name + ".default", Hosts: []string{name + ".test"}, Paths: []string{"/", "/api"}}},
		Origin: v1.Origin{Container: name + "-1"},
	}})
}

func saved(store *Store, l *Ledger) error {
	err := store.Save(l)
	if err == nil {
		l.Saved()
	}
	return err
}

// BenchmarkSaveManifests saves the change of one file beside many others.
func BenchmarkSaveManifests(b *testing.B) {
	dir := b.TempDir()
	store, err := Open(dir)
	if err != nil {
		b.Fatal(err)
	}
	changed := map[string][]byte{}
	change := func(i, n int) {
		changed[fmt.Sprintf("/etc/lockstep/manifests/d%d/s%d.yaml", i/100, i)] = fmt.Appendf(nil, "apiVersion: lockstep.dev/v1\nkind: Service\nmetadata:\n  name: s%d\nspec:\n"+
			"  hosts: [s%d.example.com]\n  paths: [/, /api]\n  grace: %dh\n  endpoints:\n    - address: 10.0.%d.%d:8080\n      weight: 50\n", i, i, n, i/250, i%250)
	}
	for i := range crowd {
		change(i, 0)
	}
	bench(b, filepath.Join(dir, manifestFile), func() error { return store.SaveManifests(changed) }, func(n int) {
		clear(changed)
		change(n%crowd, n)
	})
	if err := store.Close(); err != nil {
		b.Error(err)
	}
}

// bench saves, and then changes and saves again and again; all is written anew once in a
// while. It reports what comes to the disk for all and for one change.
func bench(b *testing.B, path string, save func() error, change func(n int)) {
	b.Helper()
	step := func(n int) {
		change(n)
		if err := save(); err != nil {
			b.Fatal(err)
		}
	}
	if err := save(); err != nil {
		b.Fatal(err)
	}
	step(1)
	before := size(b, journal.LogPath(path))
	step(2)
	after := size(b, journal.LogPath(path))
	b.ReportAllocs()
	for n := 3; b.Loop(); n++ {
		step(n)
	}
	b.ReportMetric(float64(after-before), "written-B/op")
	b.ReportMetric(float64(size(b, path)), "snapshot-B")
}

func size(b *testing.B, path string) int64 {
	b.Helper()
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	return info.Size()
}

// BenchmarkLoad reads what is remembered of many services.
func BenchmarkLoad(b *testing.B) {
	dir := b.TempDir()
	store, err := Open(dir)
	if err != nil {
		b.Fatal(err)
	}
	if err := saved(store, crowded()); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Read(Path(dir)); err != nil {
			b.Fatal(err)
		}
	}
	if err := store.Close(); err != nil {
		b.Error(err)
	}
}

package haproxy

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/haproxy/config"
	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
)

func TestOneWriter(t *testing.T) {
	b := managed(t)
	b.serve("shop", origin(t, "one"))
	b.sync()
	other := *b
	other.open() // lives beside the first
	other.serve("shop", origin(t, "two"))
	_, err := other.try(reconcilers.Scope{Fresh: true})
	wantConflict(t, err, "runs now")
	if err := b.r.dir.Release(); err != nil {
		t.Fatal(err)
	}
	other.options.Writer = "another state directory"
	other.open()
	_, err = other.try(reconcilers.Scope{Fresh: true})
	wantConflict(t, err, `writer "test"`)
	other.options.Takeover = true
	other.open()
	other.sync()
	b.r = other.r
	b.want("shop.test", "/", 200, "two")
}

func wantConflict(t *testing.T, err error, text string) {
	t.Helper()
	problem, ok := errors.AsType[v1.Problem](err)
	if !ok || problem.Reason != v1.Conflict || !strings.Contains(problem.Message, text) || problem.Fix == "" {
		t.Fatalf("want a conflict about %q, got %v", text, err)
	}
}

func TestStrangersFilesStay(t *testing.T) {
	b := managed(t)
	if err := os.MkdirAll(b.options.Dir, 0o755); err != nil { //nolint:gosec // as in life
		t.Fatal(err)
	}
	path := filepath.Join(b.options.Dir, disk.Config)
	if err := os.WriteFile(path, []byte("# mine\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.serve("shop", origin(t, "one"))
	_, err := b.try(reconcilers.Scope{Fresh: true})
	wantConflict(t, err, "nothing says that it is ours")
	if text, err := os.ReadFile(path); err != nil || string(text) != "# mine\n" {
		t.Fatalf("%q %v", text, err)
	}
}

func TestProgramThatIsTooOld(t *testing.T) {
	b := managed(t)
	b.options.Binary = filepath.Join(t.TempDir(), "haproxy")
	if err := os.WriteFile(b.options.Binary, []byte("#!/bin/sh\necho 'HA-Proxy version 2.2.9-2+deb11u5 2023/04/10 - https://haproxy.org/'\n"), 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	b.open()
	b.serve("shop", origin(t, "one"))
	failed, err := b.try(reconcilers.Scope{Fresh: true})
	if err != nil || len(failed) == 0 || !strings.Contains(failed[0].Message, "HAProxy 2.2.9-2+deb11u5 is too old") {
		t.Fatalf("%v %v", failed, err)
	}
}

// TestOneEventOneFile: what one event writes does not depend on how many
// services there are.
func TestOneEventOneFile(t *testing.T) {
	b := managed(t)
	b.options.ReloadEvery, b.options.Spares = 1, -1
	b.open()
	b.fleet(300)
	b.sync()
	b.serve("shop", origin(t, "one"))
	b.sync("shop")
	before := b.inodes()
	b.serve("shop", origin(t, "two"))
	b.sync("shop")
	var written []string
	for name, inode := range b.inodes() {
		if before[name] != inode {
			written = append(written, name)
		}
	}
	if len(written) != 1 || written[0] != config.File("shop") {
		t.Fatalf("one event wrote %v, want %s alone", written, config.File("shop"))
	}
	// A file without services goes.
	clear(b.set)
	b.sync()
	b.serve("new", origin(t, "three"))
	b.sync()
	texts, err := b.r.dir.ReadConfigs()
	left := slices.Sorted(maps.Keys(texts))
	if err != nil || !slices.Equal(left, []string{disk.Config, config.File("new")}) {
		t.Fatalf("%v %v are left, want %s and %s", left, err, disk.Config, config.File("new"))
	}
	b.want("new.test", "/", 200, "three")
}

// TestOneEventOfASpareOneFile: neither does what a service with a prepared
// backend writes, when it comes (with its route) and when it changes.
func TestOneEventOfASpareOneFile(t *testing.T) {
	b := managed(t)
	b.needSpares()
	b.options.Spares = 300 // three files of them
	b.open()
	b.plain("first", origin(t, "one"))
	b.sync()
	for i, body := range []string{"two", "three"} {
		before := b.inodes()
		b.plain("shop", origin(t, body))
		b.sync("shop")
		b.want("shop.test", "/", 200, body)
		file := config.File(b.liveName("shop"))
		if !strings.HasPrefix(file, disk.SparePrefix) {
			t.Fatalf("shop stands in %s", file)
		}
		for name, inode := range b.inodes() {
			if changed := before[name] != inode; changed != (name == file || name == disk.Routes && i == 0) {
				t.Fatalf("event %d: %s was written: %t", i, name, changed)
			}
		}
	}
}

// inodes tells one version of each of our files from the next.
func (b *bench) inodes() map[string]uint64 {
	b.t.Helper()
	texts, err := b.r.dir.ReadConfigs()
	if err != nil {
		b.t.Fatal(err)
	}
	inodes := map[string]uint64{}
	for _, name := range slices.AppendSeq([]string{disk.Routes}, maps.Keys(texts)) {
		var stat syscall.Stat_t
		if err := syscall.Stat(b.r.dir.File(name), &stat); err != nil {
			b.t.Fatal(err)
		}
		inodes[name] = stat.Ino
	}
	return inodes
}

package disk

import (
	"errors"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
)

func made(t *testing.T, path, writer string) (d *Directory, wrote *[]string) {
	t.Helper()
	wrote = new([]string)
	return &Directory{
		Path: path, Owner: "web", Writer: writer, Object: v1.Key{Kind: "process", Name: "process"},
		Before: func(string) error { return nil }, Wrote: func(name string) { *wrote = append(*wrote, name) },
	}, wrote
}

// TestOneWriterAlone: a directory is one daemon's, and of another writer only by takeover.
func TestOneWriterAlone(t *testing.T) {
	path := t.TempDir()
	first, _ := made(t, path, "first")
	second, _ := made(t, path, "second")
	conflict := func(err error) bool {
		var problem v1.Problem
		return errors.As(err, &problem) && problem.Reason == v1.Conflict && problem.Object == second.Object
	}
	if err := first.Claim(false); err != nil || !first.Held() {
		t.Fatal(err)
	}
	if err := second.Claim(true); !conflict(err) || second.Held() {
		t.Errorf("while the first one lives: %v", err)
	}
	if err := first.Release(); err != nil || first.Held() {
		t.Fatal(err)
	}
	if err := second.Claim(false); !conflict(err) {
		t.Errorf("without a takeover: %v", err)
	}
	if err := second.Contest(false); !conflict(err) {
		t.Errorf("who only looks is not told: %v", err)
	}
	if err := errors.Join(first.Contest(false), second.Contest(true)); err != nil {
		t.Error(err)
	}
	if err := errors.Join(second.Claim(true), second.Claim(false), second.Release()); err != nil {
		t.Error(err)
	}
}

// TestStageAll: only files that differ are written, and those that are to be none go; a step
// that fails leaves everything as it was.
func TestStageAll(t *testing.T) {
	d, wrote := made(t, t.TempDir(), "one")
	texts := map[string]string{Config: "base", "lockstep_01.cfg": "a", "lockstep_02.cfg": "b"}
	want := Content{Names: slices.Sorted(maps.Keys(texts)), Render: func(name string) []byte {
		if text, has := texts[name]; has {
			return []byte(text)
		}
		return nil
	}}
	write := func() error {
		s, err := d.StageAll(want)
		if err != nil {
			return err
		}
		return d.CommitAll(s)
	}
	if err := write(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.File("theirs.cfg"), []byte("theirs"), 0o600); err != nil {
		t.Fatal(err)
	}
	*wrote = nil
	texts["lockstep_01.cfg"], want.Names = "c", []string{Config, "lockstep_01.cfg"}
	delete(texts, "lockstep_02.cfg")
	s, err := d.StageAll(want)
	if err != nil {
		t.Fatal(err)
	}
	paths, err := d.Configs(s)
	if want := []string{d.File(Config), s["lockstep_01.cfg"], d.File("theirs.cfg")}; err != nil || cmp.Diff(want, paths) != "" {
		t.Errorf("HAProxy would load %q, %v, not %q", paths, err, want)
	}
	d.Before = func(step string) error {
		if step == "commit lockstep_01.cfg" {
			return os.ErrPermission
		}
		return nil
	}
	if problem, _ := errors.AsType[v1.Problem](d.CommitAll(s)); problem.Reason != v1.GatewayUnwritable {
		t.Fatalf("it failed with %v", problem)
	}
	d.Before = func(string) error { return nil }
	if err := write(); err != nil {
		t.Fatal(err)
	}
	have, err := d.ReadConfigs()
	if d := cmp.Diff(map[string][]byte{Config: []byte("base"), "lockstep_01.cfg": []byte("c")}, have); d != "" || err != nil {
		t.Errorf("%v, -want +got:\n%s", err, d)
	}
	if want := []string{"lockstep_01.cfg", "lockstep_02.cfg"}; cmp.Diff(want, *wrote) != "" {
		t.Errorf("written were %q, not %q", *wrote, want)
	}
	left, err := d.list()
	if want := []string{Config, "lockstep_01.cfg", "theirs.cfg"}; err != nil || cmp.Diff(want, left) != "" {
		t.Errorf("there are %q, %v, not %q", left, err, want)
	}
}

package ledger

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
)

func TestLedgerOutlivesTheDaemon(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	store := open(t, dir)
	id, err := store.Identity()
	if err != nil {
		t.Fatal(err)
	}
	want := New()
	want.Claims.Set("kong shop.test /", "shop.default")
	want.Services.Set("shop", Service{
		Settings: v1.Service{Name: "shop", Grace: time.Minute, Routes: []v1.Route{{Name: "shop.default", Hosts: []string{"shop.test"}}}},
		Until:    time.Date(2026, 1, 1, 0, 0, 0, 5, time.UTC),
	})
	want.Ports.Set("shop", Port{Number: 29000, Freed: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Dialed: true})
	want.KongMode.Set(KongDBLess)
	if diff := cmp.Diff(written(t, want), written(t, want.Clone())); diff != "" {
		t.Errorf("(-ledger +clone):\n%s", diff)
	}
	if err := store.Save(want); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, dir)
	got, err := again.Load()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(written(t, want), written(t, got)); diff != "" {
		t.Errorf("(-saved +loaded):\n%s", diff)
	}
	if same, err := again.Identity(); err != nil || same != id {
		t.Errorf("identity %q, %v; want %q as before", same, err, id)
	}
	if leftovers, err := filepath.Glob(filepath.Join(dir, ".ledger*")); err != nil || len(leftovers) > 0 {
		t.Errorf("leftovers %v, %v", leftovers, err)
	}
}

func TestOneDaemonForADirectory(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	_, err := Open(dir)
	if err == nil || !strings.Contains(err.Error(), "in use by another lockstep") {
		t.Errorf("a second open returned %v", err)
	}
}

// TestUnreadable: what can't be understood is an error that says what to do,
// never an empty ledger, which would let claims move.
func TestUnreadable(t *testing.T) {
	for name, c := range map[string]struct{ file, text, want string }{
		"damaged":      {ledgerFile, `{"version":1,"claims":`, "damaged"},
		"newer":        {ledgerFile, `{"version":99}`, "version 99"},
		"its journal":  {"ledger.journal", "nonsense", "ledger.journal: line 1 is damaged"},
		"bad identity": {identityFile, "nonsense", "UUID"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, c.file), []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			store := open(t, dir)
			_, err := store.Load()
			if c.file == identityFile {
				_, err = store.Identity()
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

func TestLookingMakesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "absent")
	got, err := Read(Path(dir))
	if err != nil || got.Services.Len() != 0 {
		t.Errorf("got %v, %v; want an empty ledger", got, err)
	}
	if id, err := Identity(dir); id != "" || err != nil {
		t.Errorf("got identity %q, %v; want none", id, err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("looking made the directory: %v", err)
	}
}

func open(t *testing.T, dir string) *Store {
	t.Helper()
	store, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil && !strings.Contains(err.Error(), "already closed") {
			t.Error(err)
		}
	})
	return store
}

// TestOpenSweeps: what a daemon left that was killed while it saved is removed,
// and nothing else.
func TestOpenSweeps(t *testing.T) {
	dir := t.TempDir()
	other := filepath.Join(dir, ".mine")
	left := []string{other}
	for _, name := range []string{"ledger.json", "ledger.journal", "manifests.json", "manifests.journal", "git.json", "instance-id", "seal", "guard-kong.json"} {
		left = append(left, filepath.Join(dir, "."+name+".123"))
	}
	for _, path := range left {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	open(t, dir)
	for _, path := range left[1:] {
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", path, err)
		}
	}
	if _, err := os.Stat(other); err != nil {
		t.Error(err)
	}
}

func TestNotesOutliveTheDaemon(t *testing.T) {
	dir := t.TempDir()
	store := open(t, dir)
	var got []string
	if err := ReadNote(dir, NoteOfGuard+"kong", &got); err != nil || got != nil {
		t.Errorf("a missing note gave %v, %v", got, err)
	}
	if err := store.SaveNote(NoteOfGuard+"kong", []string{"held"}); err != nil {
		t.Fatal(err)
	}
	if err := ReadNote(dir, NoteOfGuard+"kong", &got); err != nil || len(got) != 1 || got[0] != "held" {
		t.Errorf("got %v, %v; want what was saved", got, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "guard-haproxy.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := ReadNote(dir, NoteOfGuard+"haproxy", &got); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("a damaged note gave %v", err)
	}
}

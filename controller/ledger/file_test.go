package ledger

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/journal"
)

// written is a ledger as it is written, line by line.
func written(t *testing.T, l *Ledger) string {
	t.Helper()
	text, err := encode(l)
	if err != nil {
		t.Fatal(err)
	}
	var lines bytes.Buffer
	if err := json.Indent(&lines, text, "", " "); err != nil {
		t.Fatal(err)
	}
	return lines.String()
}

// deeds change one part of a ledger each, by the name of its field: how, is up to n.
func deeds(l *Ledger, key string, n int) map[string]func() {
	at := time.Date(2026, 1, 1, 0, 0, n, 0, time.UTC)
	return map[string]func(){
		"Claims":   func() { l.Claims.Set(key, fmt.Sprint(n)) },
		"Services": func() { l.Services.Set(key, service(key, n)) },
		"Drains":   func() { l.Drains.Set(key, Drain{By: "alice", Since: at, For: time.Duration(n)}) },
		"Ports":    func() { l.Ports.Set(key, Port{Number: uint16(n), Freed: at, Dialed: n%2 == 0}) }, //nolint:gosec // n is small
		"Pauses":   func() { l.Pauses.Set(key, Pause{By: "bob", Since: at}) },
		"Pins":     func() { l.Pins.Set(key, Pin{Generation: uint64(n), By: "carol", Settings: service(key, n).Settings}) }, //nolint:gosec // n is small
		"KongMode": func() { l.KongMode.Set([]KongMode{"", KongDatabase, KongDBLess}[n%3]) },
	}
}

// undo removes what deeds made.
func undo(l *Ledger, key string) {
	l.Claims.Delete(key)
	l.Services.Delete(key)
	l.Drains.Delete(key)
	l.Ports.Delete(key)
	l.Pauses.Delete(key)
	l.Pins.Delete(key)
}

func service(name string, n int) Service {
	return Service{Settings: v1.Service{
		Name: name, Grace: time.Duration(n), Origin: v1.Origin{Container: strings.Repeat("c", n)},
		Routes: []v1.Route{{Name: name + ".default", Hosts: []string{name + ".test"}, Paths: []string{"/\n\"ü\u2028"}}},
	}}
}

// TestEveryPart: of each part of a ledger it is known that it changed, and it is saved.
func TestEveryPart(t *testing.T) {
	for field := range reflect.TypeFor[Ledger]().Fields() {
		name := field.Name
		dir := t.TempDir()
		store := open(t, dir)
		l := New()
		save(t, store, l)
		deed := deeds(l, "a", 1)[name]
		if deed == nil {
			t.Fatalf("nothing is done to %s", name)
		}
		if l.Changed() {
			t.Error("something has changed that is saved")
		}
		if deed(); !l.Changed() {
			t.Errorf("%s has changed, and nobody knows", name)
		}
		if diff := cmp.Diff(written(t, l), written(t, l.Clone())); diff != "" {
			t.Errorf("(-ledger +clone):\n%s", diff)
		}
		save(t, store, l)
		l.Saved()
		if l.Changed() {
			t.Errorf("%s was saved, and has still changed", name)
		}
	}
}

// save saves a ledger, and fails where a restart would find another one.
func save(t *testing.T, store *Store, l *Ledger) {
	t.Helper()
	if err := store.Save(l); err != nil {
		t.Fatal(err)
	}
	found, err := Read(Path(store.dir))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(written(t, l), written(t, found)); diff != "" {
		t.Fatalf("(-ledger +saved):\n%s", diff)
	}
}

// TestRandomWalk changes a ledger at random, saves it, and lets daemons follow each other.
func TestRandomWalk(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 4)) //nolint:gosec // a walk, not secrets
	dir := t.TempDir()
	store := open(t, dir)
	l, err := store.Load()
	if err != nil {
		t.Fatal(err)
	}
	for range 80 {
		for range random.IntN(4) {
			key := fmt.Sprintf("k%d", random.IntN(6))
			if random.IntN(5) == 0 {
				undo(l, key)
			}
			for _, deed := range deeds(l, key, random.IntN(2000)) {
				if random.IntN(3) == 0 {
					deed()
				}
			}
		}
		switch random.IntN(12) {
		case 0: // another daemon
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}
			store = open(t, dir)
			if l, err = store.Load(); err != nil {
				t.Fatal(err)
			}
		case 1: // another ledger than the one that was saved
			l = l.Clone()
		}
		save(t, store, l)
		if random.IntN(4) > 0 { // else it is told later
			l.Saved()
		}
	}
}

// TestEarlierFile: a file of a Lockstep that kept no journal is read, also where parts of it
// are null, and goes on.
func TestEarlierFile(t *testing.T) {
	dir := t.TempDir()
	text := `{"version":1,"claims":{"kong shop.test /":"shop.default"},"services":null,"ports":{"shop":{"number":29000}},"kong_mode":"dbless"}`
	if err := os.WriteFile(Path(dir), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	store := open(t, dir)
	l, err := store.Load()
	if err != nil || l.Claims.Get("kong shop.test /") != "shop.default" || l.Ports.Get("shop").Number != 29000 || l.KongMode.Get() != KongDBLess {
		t.Fatalf("got %+v, %v", l, err)
	}
	l.Services.Set("shop", service("shop", 1))
	l.Ports.Delete("shop")
	save(t, store, l)
	if err := os.Remove(journal.LogPath(Path(dir))); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(Path(dir)); err == nil || !strings.Contains(err.Error(), "ledger.journal is missing") {
		t.Errorf("from then on, a journal that is gone: %v", err)
	}
}

// TestDamagedJournal: what can't be understood says what to do, and doing it helps.
func TestDamagedJournal(t *testing.T) {
	dir := t.TempDir()
	store := open(t, dir)
	l := New()
	for i := range 3 {
		l.Claims.Set("kong shop.test /", fmt.Sprint(i))
		save(t, store, l)
	}
	path := filepath.Join(dir, "ledger.journal")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2]++
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = Read(Path(dir))
	if want := "ledger.journal: line 2 is damaged; restore it together with " + Path(dir) + " from a backup, or remove both to start anew"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v", err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, dir)
	if _, err := again.Load(); err == nil {
		t.Error("it loads")
	}
	if err := again.Save(l); err == nil {
		t.Error("it was written over")
	}
	for _, path := range []string{path, Path(dir)} {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	if l, err = again.Load(); err != nil || l.Claims.Len() > 0 {
		t.Errorf("started anew: %+v, %v", l, err)
	}
}

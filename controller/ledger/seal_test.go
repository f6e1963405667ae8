package ledger

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSealOutlivesTheDaemon(t *testing.T) {
	dir := t.TempDir()
	if key, err := Seal(dir); key != nil || err != nil {
		t.Errorf("a new directory has the seal %x, %v", key, err)
	}
	store := open(t, dir)
	key, err := store.Seal()
	if err != nil || len(key) != sealBytes {
		t.Fatalf("the seal %x, %v", key, err)
	}
	again, err := store.Seal()
	looked, lookErr := Seal(dir)
	if err != nil || lookErr != nil || !bytes.Equal(again, key) || !bytes.Equal(looked, key) {
		t.Errorf("asked again %x, %v; looked at %x, %v; want %x", again, err, looked, lookErr, key)
	}
	info, err := os.Stat(filepath.Join(dir, sealFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v: want a file for its owner alone", info.Mode(), err)
	}
	if err := os.WriteFile(filepath.Join(dir, sealFile), []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Seal(); err == nil || !strings.Contains(err.Error(), "remove the file") {
		t.Errorf("a damaged seal: %v", err)
	}
}

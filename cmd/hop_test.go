package cmd

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lockstep/lockstep/controller/ledger"
)

// hopSettings are those of a daemon whose gateways know each other by keys.
func hopSettings(dir string) *settings {
	s := &settings{reach: reach{stateDir: dir}}
	s.chain.viaAddress, s.chain.viaTLS = "haproxy.test", true
	return s
}

// remembering opens the state directory of a daemon, with its keys.
func remembering(t *testing.T, s *settings) *daemon {
	t.Helper()
	store, err := ledger.Open(s.stateDir)
	if err != nil {
		t.Fatal(err)
	}
	d := &daemon{store: store}
	if err := d.openHop(s, mode{}); err != nil {
		t.Fatal(errors.Join(err, d.close()))
	}
	return d
}

// TestHopKeys: a daemon that remembers makes keys once, in a file for nobody else; one that
// only looks uses them, and makes none that stay.
func TestHopKeys(t *testing.T) {
	dir := t.TempDir()
	look := hopSettings(dir)
	if err := (&daemon{}).openHop(look, mode{look: true}); err != nil || look.chain.via.TLS.Keys() == nil {
		t.Fatalf("keys to look with: %v", err)
	}
	if _, err := os.Stat(ledger.HopPath(dir)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("one that looks left a file: %v", err)
	}
	first := hopSettings(dir)
	d := remembering(t, first)
	info, err := os.Stat(ledger.HopPath(dir))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v", info, err)
	}
	if err := d.close(); err != nil {
		t.Fatal(err)
	}
	again := hopSettings(dir)
	if err := remembering(t, again).close(); err != nil {
		t.Fatal(err)
	}
	keys := first.chain.via.TLS.Keys()
	if !again.chain.via.TLS.Keys().Same(keys) {
		t.Error("a restart makes other keys")
	}
	if after, err := os.Stat(ledger.HopPath(dir)); err != nil || !after.ModTime().Equal(info.ModTime()) {
		t.Errorf("a restart touches the file: %v", err)
	}
	moved := hopSettings(dir)
	moved.chain.viaAddress, moved.publishAddress, moved.kongProxyURLs = "10.0.0.1", "192.0.2.1", []string{"http://[2001:db8::1]:8000", "http://kong:8000"}
	if err := remembering(t, moved).close(); err != nil {
		t.Fatal(err)
	}
	next := moved.chain.via.TLS.Keys()
	if next.Authority != keys.Authority || next.Kong != keys.Kong || strings.Join(next.Names(), " ") != "10.0.0.1 127.0.0.1 192.0.2.1 2001:db8::1 ::1 [2001:db8::1] [::1]" {
		t.Errorf("for another address it is %v", next.Names())
	}
	if err := os.WriteFile(ledger.HopPath(dir), []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := hopOf(hopSettings(dir), time.Now()); err == nil || !strings.Contains(err.Error(), ledger.HopPath(dir)) {
		t.Errorf("a damaged file: %v", err)
	}
	if s := (&settings{}); (&daemon{}).openHop(s, mode{}) != nil || s.chain.via.TLS != nil {
		t.Error("keys nobody asked for")
	}
}

// TestHopIsRenewed: a daemon that runs for years renews the certificate long before its end.
func TestHopIsRenewed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	synctest.Test(t, func(t *testing.T) {
		s := hopSettings(dir)
		d := remembering(t, s)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- d.renewHop(ctx, s, slog.New(slog.DiscardHandler)) }()
		was := d.hop.Keys()
		for range 3 {
			<-time.After(360 * 24 * time.Hour)
			synctest.Wait()
			if left := time.Until(d.hop.Keys().Until()); left < 100*24*time.Hour || d.hop.Keys().Same(was) || d.hop.Keys().Kong != was.Kong {
				t.Errorf("%s are left", left)
			}
		}
		held := d.hop.Keys()
		stop()
		if err := errors.Join(<-ended, d.close()); err != nil {
			t.Fatal(err)
		}
		next := hopSettings(dir)
		if err := remembering(t, next).close(); err != nil || !next.chain.via.TLS.Keys().Same(held) {
			t.Errorf("what was renewed was not kept: %v", err)
		}
	})
}

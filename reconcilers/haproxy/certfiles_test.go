package haproxy

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/haproxy/crt"
)

// put writes files below a folder.
func put(tb testing.TB, folder string, files map[string]string) {
	tb.Helper()
	for name, text := range files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
}

// TestBadCertificateHurtsNobody breaks one certificate in several ways.
func TestBadCertificateHurtsNobody(t *testing.T) {
	b, address := secured(t)
	b.troubled = true
	a := newAuthority(t)
	folder := t.TempDir()
	b.options.CertificateFiles = []string{folder}
	b.open()
	good, bad := a.declare("good", "good.test"), a.declare("bad", "bad.test")
	put(t, folder, map[string]string{"bad.pem": bad.Chain + bad.Key.Reveal()})
	b.shared.Certificates = []v1.Certificate{good}
	b.look()
	b.shows(address, "bad.test", bad)
	next := a.declare("good", "good.test")
	for name, text := range map[string]string{"torn": bad.Chain + next.Key.Reveal(), "empty": "", "cut": bad.Chain[:100]} {
		put(t, folder, map[string]string{"bad.pem": text})
		next = a.declare("good", "good.test")
		b.shared.Certificates = []v1.Certificate{next}
		b.look()
		b.shows(address, "good.test", next)
		b.shows(address, "bad.test", bad) // its last good version
		if len(b.problems) != 1 || b.problems[0].Object.Name != folder+"/bad.pem" || b.problems[0].Origin.File != folder+"/bad.pem" {
			t.Errorf("%s: problems %v, want one that names the file", name, b.problems)
		}
	}
	if err := os.Rename(folder, folder+".away"); err != nil {
		t.Fatal(err)
	}
	b.look()
	b.shows(address, "bad.test", bad) // a folder that is away takes nothing along
	if err := os.Rename(folder+".away", folder); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(folder, "bad.pem")); err != nil {
		t.Fatal(err)
	}
	b.look()
	if got := handshake(t, address, "bad.test"); got.Subject.CommonName != crt.NobodysName {
		t.Errorf("a file that was removed is still shown: %s", got.Subject)
	}
	if len(b.problems) > 0 {
		t.Errorf("problems are left: %v", b.problems)
	}
}

// TestDefaultWithNamesOfOthers: the certificate for where no name fits is that,
// whoever else has its names.
func TestDefaultWithNamesOfOthers(t *testing.T) {
	b, address := secured(t)
	a := newAuthority(t)
	longer := a.declare("longer", "a.test")
	chain, key := a.Issue(time.Now().Add(time.Hour), "a.test")
	standard := v1.Certificate{Name: "standard", Chain: chain, Key: v1.NewSecret(key), Default: true}
	b.shared.Certificates = []v1.Certificate{longer, standard}
	b.look()
	b.shows(address, "a.test", longer)
	b.shows(address, "nobody.test", standard)
	if len(b.problems) > 0 {
		t.Errorf("problems: %v", b.problems)
	}
}

// TestUnreadCertificateKeepsItsLastVersion: one whose secret can't be read after a
// restart is still shown, and one that never could be is named alone.
func TestUnreadCertificateKeepsItsLastVersion(t *testing.T) {
	b, address := secured(t)
	b.troubled = true
	good := newAuthority(t).declare("good", "good.test")
	b.shared.Certificates = []v1.Certificate{good}
	b.look()
	b.restart()
	b.shared.Certificates = []v1.Certificate{{Name: "good", Origin: good.Origin}, {Name: "never", Origin: good.Origin}}
	b.look()
	b.shows(address, "good.test", good)
	if len(b.problems) != 2 || !strings.Contains(b.problems[0].Message, "could not be read; its last good version stays") ||
		b.problems[1].Object.Name != "never" || strings.Contains(b.problems[1].Message, "stays") {
		t.Errorf("problems %v", b.problems)
	}
}

// look does rounds over everything, read anew, until nothing fails.
func (b *bench) look() {
	b.t.Helper()
	b.eventually("a round without failures", func() error {
		failed, err := b.try(freshScope)
		if err == nil && len(failed) > 0 {
			err = failed[0]
		}
		return err
	})
}

// TestRenewalIsNoticed replaces a certificate as certbot does, by another symlink.
func TestRenewalIsNoticed(t *testing.T) {
	b, address := secured(t)
	a := newAuthority(t)
	folder := t.TempDir()
	b.options.CertificateFiles = []string{folder + "/live"}
	b.open()
	before, after := a.declare("shop", "shop.test"), a.declare("shop", "shop.test")
	put(t, folder, map[string]string{
		"archive/fullchain1.pem": before.Chain, "archive/privkey1.pem": before.Key.Reveal(),
		"archive/fullchain2.pem": after.Chain, "archive/privkey2.pem": after.Key.Reveal(), "live/README": "x",
	})
	shop := filepath.Join(folder, "live", "shop.test")
	if err := os.Mkdir(shop, 0o755); err != nil {
		t.Fatal(err)
	}
	link(t, shop, "1")
	b.sync()
	b.shows(address, "shop.test", before)
	var pokes atomic.Int32
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	r := b.r
	go func() {
		defer close(done)
		r.watchCertificates(ctx, func() { pokes.Add(1) })
	}()
	link(t, shop, "2")
	b.eventually("the change to be noticed", func() error {
		if pokes.Load() == 0 {
			return context.DeadlineExceeded
		}
		return nil
	})
	cancel()
	<-done
	b.look()
	b.shows(address, "shop.test", after)
}

// link points certbot's two symlinks to a version.
func link(tb testing.TB, folder, version string) {
	tb.Helper()
	for name, stem := range map[string]string{"fullchain.pem": "fullchain", "privkey.pem": "privkey"} {
		next := filepath.Join(folder, name+".next")
		if err := os.Symlink("../../archive/"+stem+version+".pem", next); err != nil {
			tb.Fatal(err)
		}
		if err := os.Rename(next, filepath.Join(folder, name)); err != nil {
			tb.Fatal(err)
		}
	}
}

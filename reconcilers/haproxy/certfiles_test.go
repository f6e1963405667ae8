package haproxy

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
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

// TestCertificateFiles reads every layout that people have.
func TestCertificateFiles(t *testing.T) {
	a := newAuthority(t)
	dir := t.TempDir()
	chain, key := a.issue(time.Now().Add(time.Hour), "a.test")
	other, _ := a.issue(time.Now().Add(time.Hour), "b.test")
	put(t, dir, map[string]string{
		"both/one.pem": chain + key, "both/.hidden.pem": "x", "both/readme.txt": "x", "both/default.pem": key + chain,
		"apart/tls.crt": chain, "apart/tls.key": key, "apart/mk.pem": chain, "apart/mk-key.pem": key,
		"certbot/README": "x", "certbot/a.test/fullchain.pem": chain, "certbot/a.test/privkey.pem": key, "certbot/a.test/cert.pem": chain, "certbot/a.test/chain.pem": a.pem,
		"bad/foreign.pem": other + key, "bad/lonely.pem": chain, "bad/nothing.pem": "", "bad/text.crt": "hello",
	})
	if err := os.Symlink("gone", filepath.Join(dir, "bad", "dangling.pem")); err != nil {
		t.Fatal(err)
	}
	all, lost := certificateFiles{
		dir + "/both", dir + "/apart", dir + "/certbot", dir + "/certbot/a.test", dir + "/bad", dir + "/both/one.pem", dir + "/nowhere",
	}.read()
	got := map[string]string{}
	for _, f := range all {
		name, err := filepath.Rel(dir, f.name)
		if err != nil {
			t.Fatal(err)
		}
		if f.err != nil {
			got[name] = f.err.Error()
			continue
		}
		got[name] = f.cert.filters()
		if f.cert.byDefault {
			got[name] += " by default"
		}
	}
	want := map[string]string{
		"both/one.pem": "a.test", "both/default.pem": "a.test by default", "apart/tls.crt": "a.test", "apart/mk.pem": "a.test", "certbot/a.test": "a.test",
		"bad/foreign.pem": "the key is not that of the first certificate, or of a kind that TLS does not know",
		"bad/lonely.pem":  "there is no key for it", "bad/nothing.pem": "there is no certificate in it", "bad/text.crt": "there is no certificate in it",
		"bad/dangling.pem": dir + "/bad/dangling.pem does not exist",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if len(lost) != 1 || lost[dir+"/nowhere"] == nil {
		t.Errorf("lost %v, want nowhere alone", lost)
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
	if got := handshake(t, address, "bad.test"); got.Subject.CommonName != nobodysName {
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
	chain, key := a.issue(time.Now().Add(time.Hour), "a.test")
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
	for name, stem := range map[string]string{certbotChain: "fullchain", certbotKey: "privkey"} {
		next := filepath.Join(folder, name+".next")
		if err := os.Symlink("../../archive/"+stem+version+".pem", next); err != nil {
			tb.Fatal(err)
		}
		if err := os.Rename(next, filepath.Join(folder, name)); err != nil {
			tb.Fatal(err)
		}
	}
}

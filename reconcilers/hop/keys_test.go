package hop

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

var epoch = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

func made(t *testing.T, names ...string) *Keys {
	t.Helper()
	k, err := Make(names, epoch)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestKeys: either side takes the other's certificate for what it is, and for nothing else.
func TestKeys(t *testing.T) {
	t.Parallel()
	k := made(t, "haproxy", "127.0.0.1", "[::1]", "127.0.0.1")
	if got := strings.Join(k.Names(), " "); got != "127.0.0.1 [::1] haproxy" {
		t.Errorf("names %s", got)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(k.Authority.Cert))
	for _, c := range []struct {
		of    Pair
		usage x509.ExtKeyUsage
		at    time.Time
		want  bool
	}{
		{k.HAProxy, x509.ExtKeyUsageServerAuth, epoch, true},
		{k.HAProxy, x509.ExtKeyUsageServerAuth, epoch.Add(-23 * time.Hour), true}, // a clock that is behind
		{k.HAProxy, x509.ExtKeyUsageClientAuth, epoch, false},
		{k.HAProxy, x509.ExtKeyUsageServerAuth, epoch.Add(leafLife + day), false},
		{k.Kong, x509.ExtKeyUsageClientAuth, epoch.Add(authorityLife - day), true},
		{k.Kong, x509.ExtKeyUsageServerAuth, epoch, false}, // who has Kong's can't be HAProxy
		{made(t, "haproxy").HAProxy, x509.ExtKeyUsageServerAuth, epoch, false},
	} {
		block, _ := pem.Decode([]byte(c.of.Cert))
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		_, err = cert.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: c.at, KeyUsages: []x509.ExtKeyUsage{c.usage}})
		if (err == nil) != c.want {
			t.Errorf("%s for %v at %s: %v", cert.Subject, c.usage, c.at, err)
		}
	}
}

// TestRenew: what is good stays as it is, a leaf is renewed long before its end by the same
// authority, and Kong's certificate, which HAProxy knows by heart, stays.
func TestRenew(t *testing.T) {
	t.Parallel()
	k := made(t, "haproxy")
	renewed := func(names []string, after time.Duration) *Keys {
		next, err := k.Renew(names, epoch.Add(after))
		if err != nil {
			t.Fatal(err)
		}
		return next
	}
	if next := renewed([]string{"haproxy"}, leafLife-margin-time.Hour); next != k {
		t.Error("it is renewed without need")
	}
	for _, next := range []*Keys{renewed([]string{"haproxy"}, leafLife-margin+time.Hour), renewed([]string{"other", "haproxy"}, 0), renewed([]string{"haproxy"}, 2*year)} {
		if next.HAProxy.Cert == k.HAProxy.Cert || next.Authority != k.Authority || next.Kong != k.Kong || next.Print() != k.Print() || next.Same(k) {
			t.Error("not HAProxy's certificate alone is renewed")
		}
		if !next.Due().After(k.Due()) && slices.Equal(next.Names(), k.Names()) {
			t.Errorf("the next renewal is due %s", next.Due())
		}
	}
	if next := renewed([]string{"haproxy"}, authorityLife-leafLife+time.Hour); next.Authority == k.Authority || next.Kong == k.Kong {
		t.Error("the authority ends before what it issues")
	}
	if year < leafLife-margin+day {
		t.Error("what HAProxy makes would end before the reload that makes it anew")
	}
}

// TestText: what was written is read again, damage is told, and nothing prints a key.
func TestText(t *testing.T) {
	t.Parallel()
	k, other := made(t, "haproxy"), made(t, "haproxy")
	text := k.Text().Reveal()
	read, err := Parse([]byte(text))
	if err != nil || !read.Same(k) || read.Print() != k.Print() || !read.Due().Equal(k.Due()) {
		t.Fatalf("read %v: %v", read, err)
	}
	for name, damaged := range map[string]string{
		"empty": "", "cut": text[:len(text)/2], "a key of others": strings.Replace(text, k.Kong.Key.Reveal(), other.Kong.Key.Reveal(), 1),
		"of another authority": strings.Replace(text, k.Kong.PEM().Reveal(), other.Kong.PEM().Reveal(), 1), "one too many": text + k.Kong.PEM().Reveal(),
	} {
		if _, err := Parse([]byte(damaged)); err == nil {
			t.Errorf("%s: it is taken", name)
		}
	}
	encoded, err := json.Marshal(k)
	if err != nil {
		t.Fatal(err)
	}
	said := fmt.Sprintf("%v %+v %#v %s", k, *k, k.Kong, encoded)
	for _, pair := range []Pair{k.Authority, k.HAProxy, k.Kong} {
		if secret := strings.Split(pair.Key.Reveal(), "\n")[1]; strings.Contains(said, secret) {
			t.Error("a key is printed")
		}
	}
	var none *Holder
	if none.Keys() != nil || Hold(k).Keys() != k {
		t.Error("a holder holds something else")
	}
}

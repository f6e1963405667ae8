package crt

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep/lockstep/internal/testca"
)

func TestNewCertificateRefuses(t *testing.T) {
	a, b := testca.New(t), testca.New(t)
	chain, key := a.Issue(time.Now().Add(time.Hour), "a.test")
	_, foreign := a.Issue(time.Now().Add(time.Hour), "a.test")
	odd, oddKey := a.Issue(time.Now().Add(time.Hour), "no name at all")
	for name, c := range map[string]struct {
		chain, key string
		names      []string
		want       string
	}{
		"good":      {chain, key, nil, ""},
		"names":     {chain, key, []string{"B.test", "*.c.test"}, ""},
		"expired":   {expired(a), "", nil, ""},
		"foreign":   {chain, foreign, nil, "not that of the first certificate"},
		"no chain":  {key, key, nil, "no certificate"},
		"no key":    {chain, chain, nil, "no key"},
		"two keys":  {chain, key + foreign, nil, "several keys"},
		"order":     {chain + b.PEM + a.PEM, key, nil, "out of order"},
		"backwards": {a.PEM + chain, key, nil, "out of order"},
		"encrypted": {chain, strings.ReplaceAll(key, "PRIVATE KEY", "ENCRYPTED PRIVATE KEY"), nil, "encrypted"},
		"line":      {chain, key, []string{"a.test\nset ssl cert"}, "HAProxy gets"},
		"filter":    {chain, key, []string{"!a.test"}, "HAProxy gets"},
		"options":   {chain, key, []string{"[alpn", "h2]"}, "HAProxy gets"},
		"star":      {chain, key, []string{"a.*.test"}, "star"},
		"nameless":  {odd, oddKey, nil, "no host name"},
	} {
		if c.key == "" {
			c.key = c.chain
		}
		_, err := New(name, c.chain, c.key, c.names)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func expired(a *testca.Authority) string {
	chain, key := a.Issue(time.Now().Add(-time.Hour), "old.test")
	return chain + key
}

func TestCertificateFileNames(t *testing.T) {
	seen := map[string]string{}
	for _, name := range []string{"a", "b", ":default", "/x/a", "/y/a", "/x/a.pem", "/x/../a", "/x/weird name\n", "default", "_default", "file:a"} {
		file := (&Certificate{Name: name}).File()
		if other := seen[file]; other != "" || strings.ContainsAny(strings.TrimPrefix(file, "certs/"), "/ \n") {
			t.Errorf("%q stands in %q, as %q does", name, file, other)
		}
		seen[file] = name
	}
}

// TestNamesAreShared settles who has a name that several certificates bear.
func TestNamesAreShared(t *testing.T) {
	a := testca.New(t)
	make := func(name string, hours int, names ...string) *Certificate {
		chain, key := a.Issue(time.Now().Add(time.Duration(hours)*time.Hour), names...)
		c, err := New(name, chain, key, nil)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	all := map[string]*Certificate{
		"long": make("long", 3, "a.test", "b.test"), "short": make("short", 1, "b.test", "c.test"), "old": make("old", 1, "a.test"),
	}
	lost := Share(all)
	got := map[string]string{}
	for name, c := range all {
		got[name] = c.Filters()
	}
	if d := cmp.Diff(map[string]string{"long": "a.test b.test", "short": "c.test"}, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if len(lost) != 1 || lost[0].Name != "old" || lost[0].By.Name != "long" {
		t.Errorf("lost are %v, want old by long", lost)
	}
}

// TestCertificateFiles reads every layout that people have.
func TestCertificateFiles(t *testing.T) {
	a := testca.New(t)
	dir := t.TempDir()
	chain, key := a.Issue(time.Now().Add(time.Hour), "a.test")
	other, _ := a.Issue(time.Now().Add(time.Hour), "b.test")
	layouts := fstest.MapFS{}
	for name, text := range map[string]string{
		"both/one.pem": chain + key, "both/.hidden.pem": "x", "both/readme.txt": "x", "both/default.pem": key + chain,
		"apart/tls.crt": chain, "apart/tls.key": key, "apart/mk.pem": chain, "apart/mk-key.pem": key,
		"certbot/README": "x", "certbot/a.test/fullchain.pem": chain, "certbot/a.test/privkey.pem": key, "certbot/a.test/cert.pem": chain, "certbot/a.test/chain.pem": a.PEM,
		"bad/foreign.pem": other + key, "bad/lonely.pem": chain, "bad/nothing.pem": "", "bad/text.crt": "hello",
	} {
		layouts[name] = &fstest.MapFile{Data: []byte(text)}
	}
	if err := os.CopyFS(dir, layouts); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("gone", filepath.Join(dir, "bad", "dangling.pem")); err != nil {
		t.Fatal(err)
	}
	all, lost := Files{
		dir + "/both", dir + "/apart", dir + "/certbot", dir + "/certbot/a.test", dir + "/bad", dir + "/both/one.pem", dir + "/nowhere",
	}.Read()
	got := map[string]string{}
	for _, f := range all {
		name, err := filepath.Rel(dir, f.Name)
		if err != nil {
			t.Fatal(err)
		}
		if f.Err != nil {
			got[name] = f.Err.Error()
			continue
		}
		got[name] = f.Cert.Filters()
		if f.Cert.ByDefault {
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

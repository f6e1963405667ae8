package haproxy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
)

var freshScope = reconcilers.Scope{Fresh: true}

func TestNewCertificateRefuses(t *testing.T) {
	a, b := newAuthority(t), newAuthority(t)
	chain, key := a.issue(time.Now().Add(time.Hour), "a.test")
	_, foreign := a.issue(time.Now().Add(time.Hour), "a.test")
	odd, oddKey := a.issue(time.Now().Add(time.Hour), "no name at all")
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
		"order":     {chain + b.pem + a.pem, key, nil, "out of order"},
		"backwards": {a.pem + chain, key, nil, "out of order"},
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
		_, err := newCertificate(name, c.chain, c.key, c.names)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func expired(a *authority) string {
	chain, key := a.issue(time.Now().Add(-time.Hour), "old.test")
	return chain + key
}

func TestCertificateFileNames(t *testing.T) {
	seen := map[string]string{}
	for _, name := range []string{"a", "b", ":default", "/x/a", "/y/a", "/x/a.pem", "/x/../a", "/x/weird name\n", "default", "_default", "file:a"} {
		file := (&certificate{name: name}).file()
		if other := seen[file]; other != "" || strings.ContainsAny(strings.TrimPrefix(file, "certs/"), "/ \n") {
			t.Errorf("%q stands in %q, as %q does", name, file, other)
		}
		seen[file] = name
	}
}

// TestNamesAreShared settles who has a name that several certificates bear.
func TestNamesAreShared(t *testing.T) {
	a := newAuthority(t)
	make := func(name string, hours int, names ...string) *certificate {
		chain, key := a.issue(time.Now().Add(time.Duration(hours)*time.Hour), names...)
		c, err := newCertificate(name, chain, key, nil)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	all := map[string]*certificate{
		"long": make("long", 3, "a.test", "b.test"), "short": make("short", 1, "b.test", "c.test"), "old": make("old", 1, "a.test"),
	}
	problems := share(all)
	got := map[string]string{}
	for name, c := range all {
		got[name] = c.filters()
	}
	if d := cmp.Diff(map[string]string{"long": "a.test b.test", "short": "c.test"}, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if len(problems) != 1 || problems[0].Object.Name != "old" || problems[0].Reason != v1.Conflict {
		t.Errorf("problems %v, want a conflict of old", problems)
	}
}

// TestKeysAreNeverShown plants a key and looks for it in all that people see.
func TestKeysAreNeverShown(t *testing.T) {
	b, _ := secured(t)
	b.troubled = true
	var log bytes.Buffer
	b.options.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	b.open()
	a := newAuthority(t)
	planted, foreign := a.declare("planted", "planted.test"), a.declare("foreign", "foreign.test")
	foreign.Chain = planted.Chain
	b.shared.Certificates = []v1.Certificate{planted, foreign}
	var seen strings.Builder
	b.r.fault = func(step string) error {
		fmt.Fprintln(&seen, step)
		return nil
	}
	p := b.plan(freshScope)
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&seen, "%s %v %+v %#v", text, p, p, b.problems)
	for _, change := range p.Changes {
		fmt.Fprintf(&seen, "%s %v %#v %+v", change.Sentence(), change.After.Fields, change.After.Native, change.After.Native)
	}
	b.look()
	broken := errors.New("broken by the test")
	b.shared.Certificates = []v1.Certificate{a.declare("planted", "planted.test")}
	b.r.fault = func(step string) error {
		if strings.HasPrefix(step, "set ssl cert") {
			return broken
		}
		return nil
	}
	failed, err := b.try(freshScope)
	fmt.Fprintf(&seen, "%v %v %s %v", failed, err, log.String(), gather(t, b.r.metrics))
	for _, secret := range []v1.Secret{planted.Key, foreign.Key, b.shared.Certificates[0].Key} {
		for _, line := range strings.Split(secret.Reveal(), "\n")[1:3] {
			if strings.Contains(seen.String(), line) {
				t.Fatalf("a line of a key is shown:\n%s", seen.String())
			}
		}
	}
	if len(failed) == 0 {
		t.Error("the fault was not told")
	}
}

// TestRefusedCertificateLeavesNothingOpen breaks off between set and commit: HAProxy
// would mix what was begun into the next certificate.
func TestRefusedCertificateLeavesNothingOpen(t *testing.T) {
	b, address := secured(t)
	b.sync()
	a := newAuthority(t)
	one, two := a.declare("a", "one.test"), a.declare("b", "two.test")
	b.shared.Certificates = []v1.Certificate{one, two}
	fail := true
	b.r.fault = func(step string) error {
		if fail && strings.HasPrefix(step, "commit ssl cert") {
			fail = false
			return errors.New("broken by the test")
		}
		return nil
	}
	failed, err := b.try(freshScope)
	if err != nil || len(failed) != 1 || failed[0].Object.Name != "a" {
		t.Fatalf("failed %v %v, want the first alone", failed, err)
	}
	b.shows(address, "two.test", two)
	b.look()
	b.shows(address, "one.test", one)
	b.shows(address, "two.test", two)
	// A change that somebody else has begun is not mixed into ours, nor ended.
	b.tell("set ssl cert "+b.r.dir.File("certs/a.pem")+" <<\n"+two.Chain+two.Key.Reveal(), "Transaction created")
	renewed := a.declare("b", "two.test")
	b.shared.Certificates = []v1.Certificate{one, renewed}
	b.look()
	b.shows(address, "one.test", one)
	b.shows(address, "two.test", renewed)
}

// TestRotationUnderLoad renews a certificate again and again while clients connect.
func TestRotationUnderLoad(t *testing.T) {
	b, address := secured(t)
	a := newAuthority(t)
	b.shared.Certificates = []v1.Certificate{a.declare("shop", "shop.test")}
	b.sync()
	reloads := count(t, b, "lockstep_haproxy_reloads_total")
	stop, done := make(chan struct{}), make(chan struct{})
	var made, failed atomic.Int64
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
			}
			c, err := tryHandshake(address, "shop.test")
			if made.Add(1); err != nil || !slices.Contains(c.DNSNames, "shop.test") {
				failed.Add(1)
			}
		}
	}()
	for range 20 {
		seen := made.Load()
		b.shared.Certificates = []v1.Certificate{a.declare("shop", "shop.test", "www.shop.test")}
		b.sync()
		b.shared.Certificates = []v1.Certificate{a.declare("shop", "shop.test")}
		b.sync()
		b.shows(address, "shop.test", b.shared.Certificates[0])
		b.eventually("another handshake", func() error {
			if made.Load() == seen {
				return errors.New("none yet")
			}
			return nil
		})
	}
	close(stop)
	<-done
	if n := failed.Load(); n > 0 {
		t.Errorf("%d of %d handshakes failed or showed another certificate", n, made.Load())
	}
	if now := count(t, b, "lockstep_haproxy_reloads_total"); now != reloads {
		t.Errorf("%d reloads for certificates alone", now-reloads)
	}
}

// BenchmarkCertificates adds 200 certificates at runtime.
func BenchmarkCertificates(bm *testing.B) {
	b, _ := secured(bm)
	a := newAuthority(bm)
	b.sync()
	var all []v1.Certificate
	for i := range 200 {
		all = append(all, a.declare(fmt.Sprintf("c%03d", i), fmt.Sprintf("c%03d.test", i)))
	}
	for bm.Loop() {
		b.shared.Certificates = all
		b.sync()
		bm.StopTimer()
		b.shared.Certificates = nil
		b.sync()
		bm.StartTimer()
	}
}

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

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
)

var freshScope = reconcilers.Scope{Fresh: true}

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

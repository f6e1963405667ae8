package haproxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/lockstep/lockstep/reconcilers/haproxy/crt"
)

// TestPassthroughLosesNothing: while HAProxy is reloaded again and again, no
// connection fails: neither those that are passed on, nor those that TLS ends
// behind the stage that reads names, new ones and kept ones.
func TestPassthroughLosesNothing(t *testing.T) {
	b, address := passing(t)
	b.options.ReloadEvery = time.Millisecond
	b.open()
	a := newAuthority(t)
	b.serve("web", origin(t, "web-1"))
	b.passOn("vault", []string{"vault.test"}, vault(t, a, "vault"))
	b.sync()
	l := &load{}
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for _, keeps := range []bool{true, true, false, false} {
		transport := &http.Transport{DisableKeepAlives: !keeps, ForceAttemptHTTP2: keeps, TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: "web.test"}} //nolint:gosec // HAProxy's own
		t.Cleanup(transport.CloseIdleConnections)
		group.Go(func() {
			for ctx.Err() == nil {
				l.ask("https://"+address, http.MethodGet, "web.test", transport)
			}
		})
	}
	for range 2 {
		group.Go(func() {
			for ctx.Err() == nil {
				l.asked.Add(1)
				shown, err := tryHandshake(address, "vault.test")
				if err == nil && shown.Subject.CommonName == crt.NobodysName {
					err = fmt.Errorf("shown is that of %s", shown.Subject)
				}
				if err != nil {
					l.fail(err.Error())
				}
			}
		})
	}
	l.stop = sync.OnceFunc(func() { cancel(); group.Wait() })
	t.Cleanup(l.stop)
	before := b.reloads()
	for i := range 8 {
		b.serve("slow", origin(t, "slow")).ReadTimeout = time.Duration(11+i) * time.Second // a reload each
		b.sync("slow")
		asked := l.asked.Load()
		b.eventually("100 more", func() error {
			if n := l.asked.Load() - asked; n < 100 {
				return errors.New("fewer were asked")
			}
			return nil
		})
	}
	l.stop()
	if n := b.reloads() - before; n != 8 {
		t.Errorf("%d reloads, want 8", n)
	}
	l.report(t)
}

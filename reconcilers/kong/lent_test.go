package kong

import (
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lockstep/lockstep/internal/fakekong"
	"github.com/lockstep/lockstep/reconcilers/kong/proof"
)

// start gives a Kong that is empty and ends with the test: a stand-in, or the part that
// a test may have of the real Kong at KONG_ADMIN_URL, of which it leaves nothing there.
// Faults and the log of requests are the same for both.
func start(tb testing.TB, o fakekong.Options) *fakekong.Kong {
	tb.Helper()
	if url := os.Getenv("KONG_ADMIN_URL"); url != "" {
		return borrow(tb, o, url)
	}
	k, err := fakekong.New(o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(k.Close)
	return k
}

// borrow gives the real Kong to one test at a time, if it is one on which the test can run.
func borrow(tb testing.TB, o fakekong.Options, url string) *fakekong.Kong {
	tb.Helper()
	proxy := os.Getenv("KONG_PROXY_URL")
	if proxy == "" {
		tb.Fatal("KONG_ADMIN_URL is set: set KONG_PROXY_URL too, to where that Kong serves")
	}
	lent.take(tb)
	tb.Cleanup(func() { lent.giveBack(tb) })
	k, err := fakekong.New(fakekong.Options{AdminOf: url, Apart: true, ProxyOf: proxy})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(k.Close)
	if lacks := k.Lacks(o); lacks != "" {
		tb.Skip("the Kong at KONG_ADMIN_URL does not have what the test is for: " + lacks)
	}
	if k.Mode() == fakekong.DBLess && k.World() != "" {
		tb.Skip("the Kong at KONG_ADMIN_URL holds something that a push would remove: name one that is empty, or has a database")
	}
	tb.Cleanup(func() { finish(tb, k) })
	return k
}

// finish ends a Kong before its test does, so that the test may start another one.
func finish(tb testing.TB, k *fakekong.Kong) {
	tb.Helper()
	if lent.has(tb) {
		if err := k.Clear(); err != nil {
			tb.Errorf("clear the Kong at KONG_ADMIN_URL: %v", err)
		}
		forgotten(tb, k)
		lent.giveBack(tb)
	}
	k.Close()
}

// forgotten waits until the workers of a real Kong have taken up that the proof is gone,
// which the next test may write alike.
func forgotten(tb testing.TB, k *fakekong.Kong) {
	tb.Helper()
	if !slices.ContainsFunc(k.Requests(), func(r fakekong.Request) bool { return r.Writes() && strings.Contains(r.Body, proof.Header) }) {
		return
	}
	if err := k.Start(); err != nil {
		tb.Error(err)
		return
	}
	r := open(tb, proven(k))
	req, err := http.NewRequest(http.MethodGet, k.ProxyURL, nil)
	if err != nil {
		tb.Error(err)
		return
	}
	req.Host, req.Close = r.names.ProofHost(), true
	req.Header.Set(proof.Header, r.names.ProofWord())
	// As many times as one late worker among four is met with a chance of 99.99 in 100.
	for absent, until := 0, time.Now().Add(time.Minute); absent < 32; absent++ {
		response, err := http.DefaultClient.Do(req)
		if err == nil {
			err = response.Body.Close()
		}
		if err != nil || response.StatusCode != http.StatusNotFound {
			absent = 0
		}
		if time.Now().After(until) {
			tb.Errorf("the Kong at KONG_ADMIN_URL does not forget the proof: %v", err)
			return
		}
	}
}

// lent is the real Kong: who has it.
var lent = newLending()

type lending struct {
	mu     sync.Mutex
	free   *sync.Cond
	holder string // the test's name; "" for nobody
}

func newLending() *lending {
	l := &lending{}
	l.free = sync.NewCond(&l.mu)
	return l
}

// take waits until other tests have given it back. A test that has it already is
// skipped: it takes two.
func (l *lending) take(tb testing.TB) {
	tb.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.holder != "" {
		if partOf(l.holder, tb.Name()) || partOf(tb.Name(), l.holder) {
			tb.Skip("it takes several Kongs at once, and there is one at KONG_ADMIN_URL")
		}
		l.free.Wait()
	}
	l.holder = tb.Name()
}

// partOf reports whether a test is another one, or runs within it.
func partOf(test, other string) bool { return test == other || strings.HasPrefix(test, other+"/") }

func (l *lending) has(tb testing.TB) bool {
	tb.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.holder == tb.Name()
}

// giveBack lets others have it, unless the test gave it back before.
func (l *lending) giveBack(tb testing.TB) {
	tb.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.holder == tb.Name() {
		l.holder = ""
		l.free.Broadcast()
	}
}

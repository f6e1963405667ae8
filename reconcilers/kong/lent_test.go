package kong

import (
	"cmp"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/lockstep/lockstep/internal/fakekong"
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
	if o.Schemas != nil || o.RouteDelay > 0 || o.PluginDelay > 0 {
		tb.Skip("it sets what only the stand-in for Kong can be told")
	}
	lent.take(tb)
	tb.Cleanup(func() { lent.giveBack(tb) })
	k, err := fakekong.New(fakekong.Options{AdminOf: url, Apart: true, ProxyOf: os.Getenv("KONG_PROXY_URL")})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(k.Close)
	if want := cmp.Or(o.Mode, fakekong.Database); k.Mode() != want {
		tb.Skipf("the test is for a Kong with the database %q, and the one at KONG_ADMIN_URL says %q", want, k.Mode())
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
		lent.giveBack(tb)
	}
	k.Close()
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

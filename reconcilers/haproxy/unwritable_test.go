package haproxy

import (
	"strings"
	"syscall"
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
)

// TestUnwritableAtAReload: what can't be loaded for want of space fails with that reason, which
// promises nothing that does not run; HAProxy goes on, and takes it when there is space again.
func TestUnwritableAtAReload(t *testing.T) {
	b := managed(t)
	b.serve("shop", origin(t, "one"))
	full := func(step string) error {
		if strings.HasPrefix(step, "stage ") {
			return syscall.ENOSPC
		}
		return nil
	}
	refused := func() {
		t.Helper()
		failed, err := b.try(reconcilers.Scope{Fresh: true})
		if len(failed) == 0 {
			t.Fatalf("nothing failed: %v", err)
		}
		for _, f := range failed {
			if f.Reason != v1.GatewayUnwritable || strings.Contains(f.Fix, "meanwhile") {
				t.Errorf("%v", f)
			}
		}
	}
	b.r.fault = full
	refused() // it can't even start
	b.r.fault = nil
	b.sync()
	b.want("shop.test", "/", 200, "one")
	b.options.Binds = append(b.options.Binds, freeAddress(t))
	b.restart()
	b.r.fault = full
	refused()
	b.want("shop.test", "/", 200, "one")
	b.r.fault = nil
	b.sync()
}

package haproxy

import (
	"fmt"
	"strings"
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
)

func TestAbilities(t *testing.T) {
	for version, want := range map[string]abilities{
		"":                 {namesHost: true},
		"2.6.12-1+deb12u4": {namesHost: true},
		"3.2.26-1":         {namesHost: true},
		"3.3.0":            {},
		"3.4.7-1":          {addsBackends: true},
		"4.0-dev1":         {addsBackends: true},
	} {
		if got := abilitiesOf(version); got != want {
			t.Errorf("%q: got %+v, want %+v", version, got, want)
		}
	}
}

func TestTooOld(t *testing.T) {
	for version, ok := range map[string]bool{"2.6.12-1": true, "3.2.0": true, "2.4.22": false, "1.8": false, "new": false} {
		if err := newEnough(version); (err == nil) != ok {
			t.Errorf("%s: %v", version, err)
		}
	}
}

// TestAddressAsHost: preserve_host=false is served where HAProxy has the means.
// Where it has not, it is said, and files that ask for it neither keep HAProxy
// from loading them nor reach the service with another Host.
func TestAddressAsHost(t *testing.T) {
	b := managed(t)
	one := origin(t, "one")
	s := b.serve("shop", one)
	s.Routes[0].PreserveHost = false
	if err := b.r.askProgram(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b.r.can().namesHost {
		b.sync()
		b.want("shop.test", "/", 200, "host="+one.Address.String())
		return
	}
	wants := func(r *Reconciler) []v1.Problem {
		_, problems := r.Compile(reconcilers.Scope{}, b.set, v1.Shared{})
		return problems
	}
	if problems := wants(b.r); len(problems) != 1 || problems[0].Reason != v1.NotExpressible || !strings.Contains(problems[0].Message, "preserve_host=false") {
		t.Fatalf("%v", problems)
	}
	b.r.program = "3.2.0" // as before the program was replaced
	wanted, problems := b.r.Compile(reconcilers.Scope{}, b.set, v1.Shared{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	b.eventually("HAProxy to load the files", func() error {
		observed, err := b.r.Observe(t.Context(), reconcilers.Scope{})
		if err != nil {
			return err
		}
		p := diff(observed, wanted)
		if _, err := b.r.Apply(t.Context(), p); err != nil || !p.Empty() {
			return fmt.Errorf("%d changes: %w", len(p.Changes), err)
		}
		return nil
	})
	b.want("shop.test", "/", 503, "")
	if problems := wants(b.r); len(problems) != 1 {
		t.Fatalf("%v", problems)
	}
}

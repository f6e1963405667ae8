package haproxy

import (
	"cmp"
	"context"
	"fmt"

	"github.com/lockstep/lockstep/reconcilers/haproxy/program"
)

// abilities are what newer HAProxys do better than 2.6, or do not do any more.
// Whatever depends on HAProxy's version asks here, and nowhere else.
type abilities struct {
	// namesHost: a backend can make the server's address the Host of a request
	// (http-send-name-header). 3.3 forbade it, and has nothing that stands for it.
	namesHost bool
	// addsBackends: a backend of default settings can come and go at runtime (add
	// backend, del backend), which is stable from 3.4 on. None is prepared then.
	addsBackends bool
}

// abilitiesOf returns the abilities of a version; of one that is not known
// those of 2.6, the oldest that we work with.
func abilitiesOf(version string) abilities {
	major, minor, err := parseVersion(version)
	if err != nil {
		major, minor = 2, 6
	}
	since := func(x, y int) bool { return major > x || major == x && minor >= y }
	return abilities{
		namesHost:    !since(3, 3),
		addsBackends: since(3, 4),
	}
}

// can returns the abilities of the process that runs, or of the one that would
// be started where none does.
func (r *Reconciler) can() abilities {
	return abilitiesOf(cmp.Or(r.version, r.program))
}

// parseVersion returns the first two numbers of a version.
func parseVersion(version string) (major, minor int, err error) {
	if _, err := fmt.Sscanf(version, "%d.%d", &major, &minor); err != nil {
		return 0, 0, fmt.Errorf("HAProxy calls its version %q, which can't be read", version)
	}
	return major, minor, nil
}

// newEnough refuses versions whose runtime commands are not enough.
func newEnough(version string) error {
	major, minor, err := parseVersion(version)
	if err != nil {
		return err
	}
	if major < 2 || major == 2 && minor < 6 {
		return fmt.Errorf("HAProxy %s is too old: servers can be added at runtime from 2.6 on; install 2.6 or newer", version)
	}
	return nil
}

// askProgram finds out the version of the program, and whether it is new enough.
func (r *Reconciler) askProgram(ctx context.Context) error {
	number, err := program.Version(ctx, r.o.Binary)
	if err != nil {
		return err
	}
	if err := newEnough(number); err != nil {
		return fmt.Errorf("%s: %w", r.o.Binary, err)
	}
	r.program = number
	return nil
}

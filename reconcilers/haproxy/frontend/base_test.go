package frontend

import (
	"strings"
	"testing"

	"github.com/lockstep/lockstep/reconcilers/haproxy/userfile"
)

// TestUsersDiffieHellman: what the user's files ask for stays, where OpenSSL takes it.
func TestUsersDiffieHellman(t *testing.T) {
	t.Parallel()
	for size, wanted := range map[int]bool{4096: false, 2048: false, 0: true, 1024: true} {
		o := Options{Owner: "x", Dir: "/x", Via: Via{Keys: &Keys{}}, User: userfile.Facts{DH: size}}
		if base := Render(o); strings.Contains(base, "default-dh-param") != wanted {
			t.Errorf("%d: %v", size, base)
		}
	}
}

// TestPortsTakenFromKong: which ports HAProxy listens at for Kong is read from its sections, for
// each kind of address.
func TestPortsTakenFromKong(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"", "127.0.0.1", "::1"} {
		o := Options{Owner: "ls", Via: Via{Host: host, First: 29000, Last: 29010}}
		if ListensForKong(Render(Options{Owner: "ls"}), "ls", host, 29000) {
			t.Errorf("%q: a process without a frontend for Kong listens for it", host)
		}
		base := Render(o)
		for port, want := range map[int]bool{28999: false, 29000: true, 29010: true, 29011: false} {
			if got := ListensForKong(base, "ls", host, port); got != want {
				t.Errorf("%q: listens at %d: %t", host, port, got)
			}
		}
		if other := "192.0.2.1"; ListensForKong(base, "ls", other, 29000) {
			t.Errorf("%q: listens at %s as well", host, other)
		}
	}
}

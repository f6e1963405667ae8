package entity

import (
	"net/netip"
	"strings"
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
)

func TestNamesAreUniqueAndTakenByKong(t *testing.T) {
	n := Namer{Owner: "lockstep"}
	seen := map[string]string{}
	for _, key := range []string{
		"web", "web-", "web-.a", "web.-a", "shop.web", "shop-web", "shop_web", "web-z", "1.2.3.4", "lockstep-unavailable", "unavailable", Reserved,
	} {
		name := n.Name(key)
		if other, taken := seen[name]; taken {
			t.Errorf("%q and %q are both called %q", key, other, name)
		}
		seen[name] = key
		for part := range strings.SplitSeq(name, ".") {
			if part == "" || strings.HasSuffix(part, "-") {
				t.Errorf("%q is called %q, which is no host name", key, name)
			}
		}
		if _, err := netip.ParseAddr(name); err == nil {
			t.Errorf("%q is called %q, which is an address", key, name)
		}
	}
}

func TestIDsDependOnOwnerWorkspaceKindAndKey(t *testing.T) {
	base := Namer{Owner: "lockstep"}.ID(v1.KindService, "shop.web")
	if again := (Namer{Owner: "lockstep", Workspace: "default"}).ID(v1.KindService, "shop.web"); again != base {
		t.Errorf("the default workspace by name gives %s, without %s", again, base)
	}
	for what, other := range map[string]string{
		"owner":     Namer{Owner: "other"}.ID(v1.KindService, "shop.web"),
		"workspace": Namer{Owner: "lockstep", Workspace: "team"}.ID(v1.KindService, "shop.web"),
		"kind":      Namer{Owner: "lockstep"}.ID(v1.KindUpstream, "shop.web"),
		"key":       Namer{Owner: "lockstep"}.ID(v1.KindService, "shop.api"),
	} {
		if other == base {
			t.Errorf("another %s gives the same id", what)
		}
	}
}

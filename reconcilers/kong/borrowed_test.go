package kong

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/lockstep/lockstep/internal/fakekong/program"
)

// door are tests that hold open the way to a real Kong: of each kind of what one of them
// does there, the cheapest.
var door = []string{
	"TestClusterVerified", "TestDeclaredEveryKind", "TestEverywhere", "TestKeptAnswers",
	"TestMembers", "TestOneRefusedEntityStopsNoOther", "TestOneWriterForAnOwner", "TestProofFails", "TestStreams", "TestVerified",
	"TestVerifiedAfterRestart", "TestVerifiedOutcomes", "TestWatch",
}

// TestBorrowed: the tests run on a Kong that is there already, as they are to on a real one,
// in both modes, and leave nothing of theirs. That Kong is the stand-in in another process.
func TestBorrowed(t *testing.T) {
	if os.Getenv("KONG_ADMIN_URL") != "" {
		t.Skip("these tests run on another Kong already")
	}
	t.Parallel()
	for mode, flags := range map[string][]string{"postgres": nil, "off": {"-dbless"}} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			k, err := program.Start(t.Context(), append(flags, "-groups", "-late", "100ms", "-stream", "5672,5673,9443/ssl")...)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := k.Close(); err != nil {
					t.Error(err)
				}
			})
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.count=1", "-test.parallel=1", "-test.timeout=5m", "-test.run=^("+strings.Join(door, "|")+")$")
			cmd.Env = k.Environ()
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			for _, name := range door {
				if mode == "postgres" && !strings.Contains(string(out), "--- PASS: "+name+" ") {
					t.Errorf("%s does not run:\n%s", name, out)
				}
			}
			for _, kind := range []string{"services", "routes", "plugins", "upstreams", "consumers", "consumer_groups", "certificates"} {
				if left, err := listed(must(t, "GET", k.AdminURL+"/"+kind, "")); err == nil && len(left) > 0 {
					t.Errorf("of %s there are left: %v", kind, left)
				}
			}
		})
	}
}

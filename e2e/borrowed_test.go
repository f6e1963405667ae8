package e2e

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/lockstep/lockstep/e2e/harness"
	"github.com/lockstep/lockstep/internal/fakekong/program"
)

// TestBorrowed: a story of each mode is played on a Kong that is there already, as on a real
// one, and one of the other mode is skipped. That Kong is the stand-in in another process.
func TestBorrowed(t *testing.T) {
	if testing.Short() || harness.UsesRealKong() {
		t.Skip("it plays stories on a Kong of its own")
	}
	for _, c := range []struct {
		flags           []string
		played, skipped string
	}{
		{[]string{"-late", "200ms"}, "quiet", "kong-emptied-dbless"},
		{[]string{"-late", "200ms", "-dbless"}, "kong-emptied-dbless", "quiet"},
	} {
		t.Run(c.played, func(t *testing.T) {
			k, err := program.Start(t.Context(), c.flags...)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := k.Close(); err != nil {
					t.Error(err)
				}
			})
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.count=1", "-test.timeout=5m", "-test.run=^TestScripts$/^("+c.played+"|"+c.skipped+")$")
			cmd.Env = k.Environ()
			out, err := cmd.CombinedOutput()
			for _, want := range []string{"--- PASS: TestScripts/" + c.played + " ", "--- SKIP: TestScripts/" + c.skipped + " "} {
				if err != nil || !strings.Contains(string(out), want) {
					t.Fatalf("%v, and no %q in:\n%s", err, want, out)
				}
			}
		})
	}
}

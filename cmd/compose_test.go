package cmd

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestCompose tells what a Compose file would ask for, and what is wrong with it, as
// the files beside it say.
func TestCompose(t *testing.T) {
	t.Chdir("testdata/compose")
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	authority := filepath.Join(t.TempDir(), "ca.pem")
	issue(t, authority, authority+".key", time.Now().Add(time.Hour))
	for golden, c := range map[string]struct {
		args string
		code int
	}{
		"plan.txt":     {"plan --compose compose.yaml --kong-admin-url http://127.0.0.1:1", 1},
		"alone.txt":    {"plan --compose compose.yaml --haproxy off --kong-admin-url http://127.0.0.1:1 --manifests m", 1},
		"refused.txt":  {"plan --compose refused.yaml --kong-admin-url http://127.0.0.1:1 --haproxy-tcp-ports 6000", 1},
		"granted.txt":  {"plan --compose refused.yaml --kong-admin-url http://127.0.0.1:1 --haproxy-tcp-ports 5672 --haproxy-bind-tls :8443 --haproxy-client-ca CA --backend-ca nope=CA", 1},
		"markdown.md":  {"plan --compose refused.yaml --haproxy-tcp-ports 5672 -o markdown", 1},
		"validate.txt": {"validate compose.yaml m", 1},
		"folder.txt":   {"validate .", 1},
		"policy.txt":   {"validate --policy m/policy.yaml compose.yaml", 1},
	} {
		t.Run(golden, func(t *testing.T) {
			var out bytes.Buffer
			root := New("test")
			root.SetArgs(strings.Fields(strings.ReplaceAll(c.args, "CA", authority)))
			root.SetOut(&out)
			root.SetErr(&out)
			err := root.ExecuteContext(t.Context())
			var exit exitError
			if errors.As(err, &exit); exit.code != c.code {
				t.Errorf("ended with %d (%v), want %d", exit.code, err, c.code)
			}
			said := strings.ReplaceAll(out.String(), here+"/", "")
			if *update {
				if err := os.WriteFile(golden, []byte(said), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), said); diff != "" {
				t.Errorf("it is told differently (-want +got); run with -update when it should:\n%s", diff)
			}
		})
	}
}

package cmd

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep/lockstep/controller/forecast"
	"github.com/lockstep/lockstep/controller/ledger"
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
			said := strings.ReplaceAll(saidOf(t, c.code, strings.ReplaceAll(c.args, "CA", authority)), here+"/", "")
			sameAs(t, golden, said)
		})
	}
}

// TestComposeSelected: a manifest selects containers of a Compose file that bear no label
// of ours, by those that Compose puts on them or by others.
func TestComposeSelected(t *testing.T) {
	t.Chdir("testdata/compose-selected")
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for golden, c := range map[string]struct {
		args string
		code int
	}{
		"plan.txt":     {"plan --compose compose.yaml --kong-admin-url http://127.0.0.1:1 --manifests m", 1},
		"without.txt":  {"plan --compose compose.yaml --kong-admin-url http://127.0.0.1:1", 0},
		"typo.txt":     {"plan --compose compose.yaml --kong-admin-url http://127.0.0.1:1 --manifests typo", 0},
		"typo.md":      {"plan --compose compose.yaml --kong-admin-url http://127.0.0.1:1 --manifests typo -o markdown", 0},
		"validate.txt": {"validate compose.yaml m", 1},
		"fine.txt":     {"validate compose.yaml fine.yaml", 0},
	} {
		t.Run(golden, func(t *testing.T) {
			sameAs(t, golden, strings.ReplaceAll(saidOf(t, c.code, c.args), here+"/", ""))
		})
	}
}

// TestComposeCorpus: of each good file it is said what its labels would ask for, of each
// bad one what is wrong with them, as the .txt beside it has it.
func TestComposeCorpus(t *testing.T) {
	t.Chdir("testdata/compose-corpus")
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for kind, c := range map[string]struct {
		args  string
		code  int
		least int
	}{
		"good": {"plan --kong-admin-url http://127.0.0.1:1 --compose ", 0, 10},
		"bad":  {"validate ", 1, 15},
	} {
		paths, err := filepath.Glob("*." + kind + ".yaml")
		if err != nil || len(paths) < c.least {
			t.Fatalf("%d %s files, want %d: %v", len(paths), kind, c.least, err)
		}
		for _, path := range paths {
			t.Run(path, func(t *testing.T) {
				said := strings.ReplaceAll(saidOf(t, c.code, c.args+path), here+"/", "")
				if said == "" {
					t.Error("nothing is said of it")
				}
				sameAs(t, strings.TrimSuffix(path, ".yaml")+".txt", said)
			})
		}
	}
}

// saidOf runs a command, which must end with a code, and returns all that it says.
func saidOf(t *testing.T, code int, args string) string {
	t.Helper()
	var out bytes.Buffer
	root := New("test")
	root.SetArgs(strings.Fields(args))
	root.SetOut(&out)
	root.SetErr(&out)
	err := root.ExecuteContext(t.Context())
	var exit exitError
	if isExit := errors.As(err, &exit); err != nil && !isExit {
		exit.code = 1
		out.WriteString(err.Error() + "\n")
	}
	if exit.code != code {
		t.Errorf("ended with %d (%v), want %d", exit.code, err, code)
	}
	return out.String()
}

// sameAs compares what was said with a golden file, or writes it with -update.
func sameAs(t *testing.T, golden, said string) {
	t.Helper()
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
}

// TestComposeKnowsKong: which way in a service has that names none, depends on whether Kong has
// a database. A daemon on the state directory has found that out, or it is said that nobody knows.
func TestComposeKnowsKong(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "compose.yaml")
	text := "services:\n  web:\n    image: web\n    labels: {lockstep.enable: true, lockstep.hosts: web.test, lockstep.port: 80, lockstep.maxconn: 10}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		mode     ledger.KongMode
		flags    string
		code     int
		want     string
		unwanted string
	}{
		{"", "--haproxy-via-address 127.0.0.1", 1, "whether Kong has a database is not known here", ""},
		{ledger.KongDBLess, "--haproxy-via-address 127.0.0.1", 0, "kong Serving, haproxy Serving", "database"},
		{ledger.KongDatabase, "--haproxy-via-address 127.0.0.1", 1, "kong can't express its maxconn", "database"},
		{ledger.KongDBLess, "", 1, "kong can't express its maxconn", "database"},
		{"", "--haproxy-via-address 127.0.0.1 --gateways kong>haproxy,haproxy", 0, "kong Serving, haproxy Serving", "database"},
	} {
		state := t.TempDir()
		store, err := ledger.Open(state)
		if err != nil {
			t.Fatal(err)
		}
		memory := ledger.New()
		memory.KongMode.Set(c.mode)
		if err := errors.Join(store.Save(memory), store.Close()); err != nil {
			t.Fatal(err)
		}
		args := fmt.Sprintf("plan --compose %s --kong-admin-url http://127.0.0.1:1 --state-dir %s %s", file, state, c.flags)
		said := saidOf(t, c.code, args)
		if !strings.Contains(said, c.want) || c.unwanted != "" && strings.Contains(said, c.unwanted) {
			t.Errorf("%s:\n%s\nwant %q, and not %q", args, said, c.want, c.unwanted)
		}
	}
}

// TestForecastOfNothing says so, also in Markdown, instead of a head without rows.
func TestForecastOfNothing(t *testing.T) {
	text := func(p *printer, report forecast.Report) { printForecast(p, report, nil) }
	for _, write := range []func(*printer, forecast.Report){text, writeForecast} {
		got := printed(t, func(p *printer) { write(p, forecast.Report{}) })
		if !strings.HasPrefix(got, noService+"\n") || strings.Contains(strings.ToLower(got), "route") {
			t.Errorf("got:\n%s", got)
		}
	}
}

package cmd

import (
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

var update = flag.Bool("update", false, "write the pages of docs that are made from the program")

// TestPages compares the generated pages of docs with the program.
func TestPages(t *testing.T) {
	for name, body := range map[string]func(*testing.T) string{
		"commands.md":      commandsPage,
		"configuration.md": configurationPage,
		"metrics.md":       metricsPage,
		"json.md":          jsonPage,
	} {
		t.Run(name, func(t *testing.T) {
			head, err := os.ReadFile(filepath.Join("testdata", name+".head"))
			if err != nil {
				t.Fatal(err)
			}
			page := string(head) + body(t)
			path := filepath.Join("..", "docs", name)
			if *update {
				if err := os.WriteFile(path, []byte(page), 0o644); err != nil { //nolint:gosec // documentation is for everybody
					t.Fatal(err)
				}
				return
			}
			stands, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(page, string(stands)); diff != "" {
				t.Errorf("docs/%s is stale; write it anew with: go test ./cmd -run TestPages -update\n(-program +page):\n%s", name, diff)
			}
		})
	}
}

func configurationPage(*testing.T) string {
	var b strings.Builder
	b.WriteString("## Settings\n\n| flag | variable | default | meaning |\n|---|---|---|---|\n")
	daemonFlags().VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		if value != "" {
			value = " " + strings.ToUpper(value)
		}
		byDefault := strings.Trim(f.DefValue, "[]")
		if strings.Contains(usage, "(default: ") { // what holds then is said there
			byDefault = ""
		}
		if byDefault != "" {
			byDefault = "`" + byDefault + "`"
		}
		fmt.Fprintf(&b, "| `--%s%s` | `%s` | %s | %s |\n", f.Name, value, variableOf(f.Name), byDefault, strings.ReplaceAll(usage, "|", `\|`))
	})
	return b.String()
}

func commandsPage(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	shared := daemonFlags()
	var describe func(c *cobra.Command)
	describe = func(c *cobra.Command) {
		if c.Runnable() && !c.Hidden && c.Name() != "help" && c.Parent().Name() != "completion" {
			long := c.Long
			if long == "" {
				long = c.Short + "."
			}
			fmt.Fprintf(&b, "## %s\n\n%s\n\n```text\n%s\n```\n\n", c.CommandPath(), long, c.UseLine())
			if c.Example == "" {
				t.Errorf("%s has no example", c.CommandPath())
			}
			fmt.Fprintf(&b, "```sh\n%s\n```\n\n", strings.TrimSpace(strings.ReplaceAll(c.Example, "\n  ", "\n")))
			var own []string
			c.LocalFlags().VisitAll(func(f *pflag.Flag) {
				if shared.Lookup(f.Name) == nil && f.Name != "help" {
					_, usage := pflag.UnquoteUsage(f)
					if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" && !strings.Contains(usage, "(default: ") {
						usage += " (default: " + f.DefValue + ")"
					}
					own = append(own, fmt.Sprintf("- `--%s`: %s\n", f.Name, usage))
				}
			})
			if len(own) > 0 {
				b.WriteString(strings.Join(own, "") + "\n")
			}
		}
		for _, sub := range c.Commands() {
			describe(sub)
		}
	}
	describe(New("test"))
	b.WriteString("## lockstep completion\n\nPrint a script that makes a shell complete commands, flags, containers and\nservices: `lockstep completion bash|zsh|fish|powershell`.\n")
	return b.String()
}

// described takes the parts of a metric's description apart.
var described = regexp.MustCompile(`fqName: "([^"]+)", help: "([^"]+)", .*variableLabels: \{([^}]*)\}`)

func metricsPage(t *testing.T) string {
	t.Helper()
	state := t.TempDir()
	s, _ := bound(t, "--kong-admin-url", "http://127.0.0.1:1", "--haproxy-bind", "127.0.0.1:1", "--delete-guard", "off", "--manifests", state, "--state-dir", state,
		"--git-url", state, "--git-webhook-listen", "127.0.0.1:0", "--git-webhook-secret", "env:SECRET")
	if err := s.check(); err != nil {
		t.Fatal(err)
	}
	d, err := newDaemon("test", s, mode{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := d.close(); err != nil {
			t.Error(err)
		}
	}()
	descriptions := make(chan *prometheus.Desc)
	go func() {
		d.registry.Describe(descriptions)
		close(descriptions)
	}()
	var rows []string
	for description := range descriptions {
		parts := described.FindStringSubmatch(description.String())
		if parts == nil {
			t.Fatalf("can't read the description %s", description)
		}
		if strings.HasPrefix(parts[1], "lockstep_") {
			rows = append(rows, fmt.Sprintf("| `%s` | %s | %s |\n", parts[1], strings.ReplaceAll(parts[3], ",", ", "), parts[2]))
		}
	}
	slices.Sort(rows)
	return "## All of them\n\n| metric | labels | meaning |\n|---|---|---|\n" + strings.Join(slices.Compact(rows), "")
}

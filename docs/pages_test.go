package docs_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/lockstep/lockstep/cmd"
)

var update = flag.Bool("update", false, "write the pages that are made from the commands")

// TestPages fails when a page is not what the commands make of it; with -update
// (or go generate) it writes the pages.
func TestPages(t *testing.T) {
	for file, page := range map[string]string{"commands.md": commandsPage(), "configuration.md": configurationPage(t)} {
		if *update {
			if err := os.WriteFile(file, []byte(page), 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(page, string(got)); diff != "" {
			t.Errorf("docs/%s is stale, run go generate ./docs (-want +got):\n%s", file, diff)
		}
	}
}

func commandsPage() string {
	var b strings.Builder
	b.WriteString("# Commands\n\n" +
		"Made from the commands themselves by `go generate ./docs`. `lockstep completion bash` (or zsh, fish) makes a\n" +
		"shell complete them. Flags of the daemon stand in [configuration.md](configuration.md).\n")
	daemon := names(find("run"))
	for _, c := range cmd.New("").Commands() {
		if c.Hidden || c.Name() == "help" || c.Name() == "completion" {
			continue
		}
		fmt.Fprintf(&b, "\n## lockstep %s\n\n%s\n\n```text\n%s\n```\n", c.Name(), orShort(c), c.UseLine())
		if c.Name() == "run" {
			continue
		}
		var rows []string
		shared := false
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if daemon[f.Name] {
				shared = true
				return
			}
			rows = append(rows, flagRow(f))
		})
		writeTable(&b, "\n| flag | default | meaning |\n| --- | --- | --- |\n", rows)
		if shared {
			b.WriteString("\nIt also takes the flags and variables of [configuration.md](configuration.md) that say where the\n" +
				"daemon, and what it works with, is found; `lockstep " + c.Name() + " --help` lists them.\n")
		}
	}
	return b.String()
}

func configurationPage(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("# Configuration\n\n" +
		"The flags of `lockstep run`, made from the command itself by `go generate ./docs`. Each can be given as a\n" +
		"variable instead; a flag wins over its variable, and a list in a variable is separated by commas.\n\n")
	var rows []string
	find("run").LocalFlags().VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" {
			return
		}
		variable := "LOCKSTEP_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		rows = append(rows, strings.Replace(flagRow(f), "` |", "` | `"+variable+"` |", 1))
	})
	writeTable(&b, "| flag | variable | default | meaning |\n| --- | --- | --- | --- |\n", rows)
	return b.String()
}

func writeTable(b *strings.Builder, head string, rows []string) {
	if len(rows) == 0 {
		return
	}
	b.WriteString(head)
	for _, row := range rows {
		b.WriteString(row)
	}
}

// flagRow is one line of a table: "| `--name VALUE` | default | meaning |".
func flagRow(f *pflag.Flag) string {
	value, usage := pflag.UnquoteUsage(f)
	name := "--" + f.Name
	if value != "" {
		name += " " + strings.ToUpper(value)
	}
	byDefault := "–"
	if f.DefValue != "" && f.DefValue != "[]" && f.DefValue != "false" {
		byDefault = "`" + f.DefValue + "`"
	}
	return fmt.Sprintf("| `%s` | %s | %s |\n", name, byDefault, strings.ReplaceAll(usage, "|", `\|`))
}

func orShort(c *cobra.Command) string {
	if c.Long != "" {
		return c.Long
	}
	return c.Short + "."
}

func find(name string) *cobra.Command {
	c, _, err := cmd.New("").Find([]string{name})
	if err != nil {
		return &cobra.Command{}
	}
	return c
}

func names(c *cobra.Command) map[string]bool {
	out := map[string]bool{}
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if f.Name != "help" {
			out[f.Name] = true
		}
	})
	return out
}

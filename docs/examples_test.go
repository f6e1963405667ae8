package docs_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/lockstep/lockstep/api/server"
	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/cmd"
	"github.com/lockstep/lockstep/controller"
	"github.com/lockstep/lockstep/controller/history"
	"github.com/lockstep/lockstep/controller/status"
	"github.com/lockstep/lockstep/manifests"
)

const root = ".."

// block is one fenced example in a page.
type block struct {
	place, language, text string
}

// TestExamples checks every fenced example of every page: commands against the
// program, labels against their grammar, files and make targets against the tree.
// A line that nobody knows how to check is an error as well.
func TestExamples(t *testing.T) {
	pages, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append(pages, filepath.Join(root, "README.md")) {
		for _, b := range blocks(t, page) {
			if err := b.check(); err != nil {
				t.Errorf("%s: %v", b.place, err)
			}
		}
	}
}

var fence = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$")

func blocks(t *testing.T, page string) []block {
	t.Helper()
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var out []block
	for _, at := range fence.FindAllSubmatchIndex(data, -1) {
		line := 1 + strings.Count(string(data[:at[0]]), "\n")
		out = append(out, block{
			place: fmt.Sprintf("%s:%d", page, line), language: string(data[at[2]:at[3]]), text: string(data[at[4]:at[5]]),
		})
	}
	return out
}

func (b block) check() error {
	switch b.language {
	case "text": // what a program prints, or a usage line
		return nil
	case "yaml":
		return checkYAML(b.text)
	case "json":
		return checkJSON(b.text)
	case "haproxy":
		return checkHAProxy(b.text)
	case "properties":
		return checkProperties(b.text)
	case "sh":
		for line := range strings.Lines(strings.ReplaceAll(b.text, "\\\n", " ")) {
			if err := checkCommand(strings.Fields(line)); err != nil {
				return fmt.Errorf("%s: %w", strings.TrimSpace(line), err)
			}
		}
		return nil
	}
	return fmt.Errorf("nobody knows how to check a block of %q", b.language)
}

// checkYAML validates manifests, or decodes the labels of a piece of a Compose file.
func checkYAML(text string) error {
	if strings.Contains(text, manifests.APIVersion) || strings.HasPrefix(text, "_format_version") {
		for _, problem := range manifests.Validate(map[string][]byte{"example": []byte(text)}, nil).Problems {
			return problem
		}
		return nil
	}
	var file struct {
		Services map[string]struct{ Labels map[string]string }
	}
	if err := yaml.Unmarshal([]byte(text), &file); err != nil {
		return err
	}
	if len(file.Services) == 0 {
		return fmt.Errorf("there are no services in it")
	}
	for name, service := range file.Services {
		if err := checkLabels(name, service.Labels); err != nil {
			return err
		}
	}
	return nil
}

// checkJSON wants an answer of the HTTP interface: JSON of one of its forms,
// with fields that are there.
func checkJSON(text string) error {
	var failed []error
	for _, form := range []any{
		new(status.Report), new(status.Explanation), new([]server.GatewayPlan), new(server.Failure),
		new(struct{ Result string }), new(controller.Drained), new([]history.Generation), new([]controller.RolledBack),
		new([]controller.Adopted), new([]server.Pruned),
	} {
		decoder := json.NewDecoder(strings.NewReader(text))
		decoder.DisallowUnknownFields()
		err := decoder.Decode(form)
		if err == nil {
			return nil
		}
		failed = append(failed, fmt.Errorf("%T: %w", form, err))
	}
	return errors.Join(failed...)
}

// checkHAProxy lets HAProxy itself judge a configuration, where it is installed.
func checkHAProxy(text string) error {
	binary, err := exec.LookPath("haproxy")
	if err != nil {
		return nil //nolint:nilerr // the same pages are checked wherever there is one
	}
	check := exec.Command(binary, "-c", "-f", "/dev/stdin")
	check.Stdin = strings.NewReader(text)
	if said, err := check.CombinedOutput(); err != nil {
		return fmt.Errorf("haproxy does not take it: %w: %s", err, said)
	}
	return nil
}

// checkProperties decodes labels that are written one a line.
func checkProperties(text string) error {
	labels := map[string]string{}
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(strings.TrimRight(line, "\n"), "=")
		if _, twice := labels[key]; !ok || twice {
			return fmt.Errorf("%q is no label, or one that was there already", line)
		}
		labels[key] = value
	}
	return checkLabels("example", labels)
}

// checkLabels wants labels that are understood and ask for something. A piece of
// an example may leave out that the container counts.
func checkLabels(name string, labels map[string]string) error {
	declaration, problems := v1.Grammar{Prefix: "lockstep.", ExposeAll: true}.Decode(v1.Subject{Container: name, Labels: labels})
	if len(problems) > 0 {
		return problems[0]
	}
	if !declaration.Enabled || len(declaration.Services) == 0 {
		return fmt.Errorf("the labels of %s do nothing", name)
	}
	return nil
}

func checkCommand(words []string) error {
	for len(words) > 0 && strings.Contains(words[0], "=") {
		words = words[1:] // variables
	}
	if n := len(words); n > 2 && words[n-2] == ">" {
		words = words[:n-2] // where it goes
	}
	if len(words) == 0 {
		return nil
	}
	switch words[0] {
	case "make":
		return checkMake(words[1])
	case "export":
		return checkVariable(words[1])
	case "lockstep", "bin/lockstep":
		return checkLockstep(words[1:])
	case "curl":
		return checkCurl(words[1:])
	case "docker":
		return checkDocker(words[1:])
	}
	return fmt.Errorf("nobody knows how to check %q", words[0])
}

func checkMake(target string) error {
	data, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		return err
	}
	if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(target) + `:`).Match(data) {
		return fmt.Errorf("the Makefile has no target %s", target)
	}
	return nil
}

func checkLockstep(args []string) error {
	c, rest, err := cmd.New("").Find(args)
	if err != nil {
		return err
	}
	if !c.HasParent() {
		return fmt.Errorf("no command is named")
	}
	if err := c.ParseFlags(rest); err != nil {
		return err
	}
	return validate(c)
}

func validate(c *cobra.Command) error {
	if c.Args == nil {
		return nil
	}
	return c.Args(c, c.Flags().Args())
}

// checkVariable wants the variable of a flag of the daemon.
func checkVariable(assignment string) error {
	name, value, _ := strings.Cut(assignment, "=")
	flag := strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(name, "LOCKSTEP_")), "_", "-")
	return checkLockstep([]string{"run", "--" + flag + "=" + value})
}

// checkCurl wants a URL, on a host that the quick start serves or on loopback.
func checkCurl(words []string) error {
	target, err := url.Parse(words[len(words)-1])
	if err != nil {
		return err
	}
	if target.Hostname() == "127.0.0.1" {
		return nil
	}
	data, err := os.ReadFile(filepath.Join(root, "manifests/deploy/compose.yaml"))
	if err != nil {
		return err
	}
	if !strings.Contains(string(data), "lockstep.hosts: "+target.Hostname()) {
		return fmt.Errorf("the quick start does not serve %s", target.Hostname())
	}
	return nil
}

// checkDocker wants Compose files that exist, and labels that are understood.
func checkDocker(words []string) error {
	labels := map[string]string{}
	for i, word := range words[:len(words)-1] {
		switch word {
		case "-f":
			if _, err := os.Stat(filepath.Join(root, words[i+1])); err != nil {
				return err
			}
		case "--label":
			key, value, _ := strings.Cut(words[i+1], "=")
			labels[key] = value
		}
	}
	if len(labels) == 0 {
		return nil
	}
	return checkLabels("example", labels)
}

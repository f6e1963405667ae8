package cmd

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
	"github.com/lockstep/lockstep/controller/history"
	"github.com/lockstep/lockstep/controller/status"
)

// TestCompletion asks as the shells' scripts do: commands that take containers and services
// offer those that the daemon knows, and nothing where none runs.
func TestCompletion(t *testing.T) {
	daemon := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/history" {
			generations := []history.Generation{{Number: 2, Changes: []history.Change{{Service: "shop.web", Operation: history.Changed}}}, {Number: 1}}
			if err := json.NewEncoder(w).Encode(generations); err != nil {
				t.Error(err)
			}
			return
		}
		report := status.Report{Gateways: []status.Gateway{{Name: v1.Kong}}, Services: []status.Service{{Standing: desired.Standing{Service: "shop.web", Instances: []desired.InstanceStanding{
			{Container: "shop-web-1"}, {Container: "192.0.2.1:80", Origin: v1.Origin{File: "web.yaml", Line: 3}}}}}, {
			Standing: desired.Standing{Service: "shop-web-1", Instances: []desired.InstanceStanding{{Container: "shop-web-1"}}}}}} // called as the container: offered once
		if err := json.NewEncoder(w).Encode(report); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(daemon.Close)
	listen := strings.TrimPrefix(daemon.URL, "http://")
	complete := func(listen string, args ...string) []string {
		t.Setenv("LOCKSTEP_LISTEN", listen)
		var out bytes.Buffer
		if code := Main("test", append([]string{"__complete"}, append(args, "")...), &out, &bytes.Buffer{}); code != 0 {
			t.Fatalf("%v ends with %d:\n%s", args, code, &out)
		}
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		return lines[:len(lines)-1] // the last one tells the shell what to do about files
	}
	const service, container, endpoint = "shop.web", "shop-web-1", "192.0.2.1:80"
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"explain"}, []string{endpoint, container, service}},
		{[]string{"wait"}, []string{endpoint, container, service}},
		{[]string{"drain"}, []string{container}},
		{[]string{"rollback", "3"}, []string{service, container}},
		{[]string{"rollback"}, []string{"2\tshop.web changed", "1"}},
		{[]string{"release"}, []string{service, container, "kong:" + service, "kong:" + container}},
		{[]string{"adopt"}, []string{service, container}},
		{[]string{"history"}, []string{service, container}},
		{[]string{"pause"}, []string{"kong", "haproxy"}},
		{[]string{"render"}, []string{"kong", "haproxy"}},
		{[]string{"wait", "--for"}, []string{"serving", "drained"}},
		{[]string{"run", "--kong-drift"}, []string{"repair", "report"}},
		{[]string{"run", "--gateways"}, []string{"kong", "haproxy", "kong>haproxy", "haproxy>kong"}},
		{[]string{"plan", "--output"}, []string{"text", "json", "yaml", "markdown"}},
	} {
		if got := complete(listen, c.args...); !slices.Equal(got, c.want) {
			t.Errorf("%v offers %q, want %q", c.args, got, c.want)
		}
	}
	if got := complete("127.0.0.1:1", "explain"); len(got) > 0 {
		t.Errorf("without a daemon it offers %q", got)
	}
	hangs := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) { <-req.Context().Done() }))
	t.Cleanup(hangs.Close)
	if got := complete(strings.TrimPrefix(hangs.URL, "http://"), "explain"); len(got) > 0 {
		t.Errorf("of a daemon that hangs it offers %q", got)
	}
	if got := complete(listen, "explain", container); len(got) > 0 {
		t.Errorf("as a second subject it offers %q", got)
	}
}

// TestBashCompletes runs the script for bash, which asks the program by its name.
func TestBashCompletes(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash")
	}
	dir := t.TempDir()
	var script bytes.Buffer
	if code := Main("test", []string{"completion", "bash"}, &script, &script); code != 0 {
		t.Fatal(script.String())
	}
	program := "#!/bin/sh\n[ \"$*\" = '__complete explain sh' ] && printf 'shop.web\\nshop-web-1\\n:4\\n'\n"
	// What the package bash-completion gives, in few words.
	driver := `compopt() { :; }; __ltrim_colon_completions() { :; }
_get_comp_words_by_ref() { cur="${COMP_WORDS[COMP_CWORD]}"; prev="${COMP_WORDS[COMP_CWORD-1]}"; words=("${COMP_WORDS[@]}"); cword=$COMP_CWORD; }
. ./script; COMP_WORDS=(lockstep explain sh); COMP_CWORD=2; COMP_LINE="lockstep explain sh"; COMP_POINT=19; COMP_TYPE=9
__start_lockstep lockstep; printf '%s\n' "${COMPREPLY[@]}"`
	for name, text := range map[string]string{"lockstep": program, "script": script.String()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil { //nolint:gosec // it is run
			t.Fatal(err)
		}
	}
	c := exec.CommandContext(t.Context(), bash, "--norc", "-c", driver) //nolint:gosec // the test's own words
	c.Dir, c.Env = dir, []string{"PATH=" + dir + ":" + os.Getenv("PATH")}
	out, err := c.CombinedOutput()
	if got := strings.Fields(string(out)); err != nil || !slices.Equal(got, []string{"shop.web", "shop-web-1"}) {
		t.Errorf("bash completes %q, %v", out, err)
	}
}

// TestColoursAndSigns are for those who look on, and want them.
func TestColoursAndSigns(t *testing.T) {
	looks, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("there is no terminal to be had:", err)
	}
	t.Cleanup(func() { _ = looks.Close() })
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = null.Close() })
	for name, c := range map[string]struct {
		noColour, term, locale string
		colours, signs         bool
	}{
		"a terminal":                    {"", "xterm", "C.UTF-8", true, true},
		"no colours wanted":             {"1", "xterm", "en_US.utf8", false, true},
		"one that shows no colours":     {"", "dumb", "C.UTF-8", false, true},
		"one that shows ASCII, no more": {"", "xterm", "POSIX", true, false},
	} {
		t.Setenv("NO_COLOR", c.noColour)
		t.Setenv("TERM", c.term)
		t.Setenv("LC_ALL", c.locale)
		if colours, signs := colourful(looks), pictorial(looks); colours != c.colours || signs != c.signs {
			t.Errorf("%s: colours %t, signs %t", name, colours, signs)
		}
		if colourful(file) || pictorial(file) || colourful(null) || pictorial(null) || colourful(&bytes.Buffer{}) || pictorial(&bytes.Buffer{}) {
			t.Errorf("%s: a file shows colours or signs", name)
		}
	}
}

// TestCompletionOfAnotherShell is an error that names those that there are.
func TestCompletionOfAnotherShell(t *testing.T) {
	var out bytes.Buffer
	if code := Main("test", []string{"completion", "tcsh"}, &out, &out); code != 1 || !strings.Contains(out.String(), `"tcsh" is no shell that can be completed for; name one of bash, fish, powershell, zsh`) {
		t.Errorf("ends with %d: %s", code, &out)
	}
	out.Reset()
	if code := Main("test", []string{"completion"}, &out, &out); code != 0 || !strings.Contains(out.String(), "powershell") {
		t.Errorf("ends with %d: %s", code, &out)
	}
}

package cmd

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestArguments checks that a command says which argument is missing or does not belong there.
func TestArguments(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"explain", "an argument is missing; write: lockstep explain CONTAINER|SERVICE|HOST/PATH|:PORT [flags]"},
		{"explain web api", `"api" does not belong there; write: lockstep explain CONTAINER|SERVICE|HOST/PATH|:PORT [flags]`},
		{"status web", `"web" does not belong there; write: lockstep status [flags]`},
		{"wait", "an argument is missing; write: lockstep wait CONTAINER|SERVICE... [flags]"},
		{"render kong nginx", `"nginx" does not belong there; name one of kong, haproxy`},
	} {
		var stderr bytes.Buffer
		code := Main("test", strings.Fields(c.args), &bytes.Buffer{}, &stderr)
		if got := stderr.String(); code != 1 || got != "lockstep: "+c.want+"\n" {
			t.Errorf("%s: ends with %d and says %q", c.args, code, got)
		}
	}
}

func TestVersionAsFlag(t *testing.T) {
	var stdout bytes.Buffer
	if code := Main("1.2", []string{"--version"}, &stdout, &bytes.Buffer{}); code != 0 || stdout.String() != "lockstep 1.2\n" {
		t.Errorf("ends with %d and says %q", code, &stdout)
	}
}

func TestSomethingElseListens(t *testing.T) {
	other := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(other.Close)
	var stderr bytes.Buffer
	code := Main("test", []string{"status", "--listen", strings.TrimPrefix(other.URL, "http://")}, &bytes.Buffer{}, &stderr)
	if got := stderr.String(); code != 1 || !strings.Contains(got, "or is something else listening there?") {
		t.Errorf("ends with %d and says %q", code, got)
	}
}

package cmd

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/lockstep/lockstep/api/server"
	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
)

// shownAs returns what a command says of what was rendered.
func shownAs(t *testing.T, word, dir string, rendered ...server.Rendered) (out, wrong string, err error) {
	t.Helper()
	var o, e bytes.Buffer
	c := &cobra.Command{}
	c.SetOut(&o)
	c.SetErr(&e)
	err = showRendered(c, &output[[]server.Rendered]{format: &format{word: word}}, rendered, dir)
	return o.String(), e.String(), err
}

func TestShowRendered(t *testing.T) {
	kong := server.Rendered{Gateway: v1.Kong, Files: []reconcilers.File{{Name: "kong.yaml", Text: "_format_version: \"3.0\"\n"}}}
	haproxy := server.Rendered{Gateway: v1.HAProxy, Files: []reconcilers.File{
		{Name: "lockstep.cfg", Path: "/own/lockstep.cfg", Text: "global # /own/routes.map, /own/certs/x.pem\n"},
		{Name: "routes.map", Path: "/own/routes.map", Text: "a.test b\n"},
		{Name: "ca_1.pem", Path: "/own/ca_1.pem", Text: "-----BEGIN CERTIFICATE-----\n"},
	}}
	if out, _, err := shownAs(t, "text", "", kong); out != kong.Files[0].Text || err != nil {
		t.Errorf("a file alone is %q, %v", out, err)
	}
	want := "# ==== kong: kong.yaml\n_format_version: \"3.0\"\n" +
		"# ==== haproxy: lockstep.cfg\nglobal # /own/routes.map, /own/certs/x.pem\n" +
		"# ==== haproxy: routes.map\na.test b\n" +
		"# ==== haproxy: ca_1.pem\n# 1 certificates or lists of revoked ones; --dir writes them\n"
	if out, _, err := shownAs(t, "text", "", kong, haproxy); err != nil || out != want {
		t.Errorf("%v, (-want +got):\n%s", err, cmp.Diff(want, out))
	}

	// One that can't be rendered holds up no other.
	away := server.Rendered{Gateway: v1.Kong, Error: "it is away", Problems: []v1.Problem{{Reason: v1.NotExpressible, Message: hostile}}}
	out, wrong, err := shownAs(t, "text", "", away, haproxy)
	if !strings.Contains(out, "a.test b") || err == nil || !strings.Contains(err.Error(), "kong: it is away") || !strings.HasPrefix(wrong, "not in it: ") || strings.ContainsRune(wrong, '\x1b') {
		t.Errorf("%q, %q, %v", out, wrong, err)
	}
	if out, _, err := shownAs(t, "json", "", haproxy); err != nil || !strings.Contains(out, `"name": "routes.map"`) {
		t.Errorf("%v, %s", err, out)
	}

	// In a directory files name each other where they are, and the others where those are.
	dir := t.TempDir()
	if out, _, err := shownAs(t, "text", dir, kong, haproxy); out != "" || err != nil {
		t.Fatalf("%q, %v", out, err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "haproxy", "lockstep.cfg"))
	if want := "global # " + dir + "/haproxy/routes.map, /own/certs/x.pem\n"; err != nil || string(text) != want {
		t.Errorf("%q, %v", text, err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "kong", "kong.yaml")); err != nil || string(text) != kong.Files[0].Text {
		t.Errorf("%q, %v", text, err)
	}
	if _, _, err := shownAs(t, "text", dir, haproxy); err == nil || !strings.Contains(err.Error(), "is not empty") {
		t.Errorf("over what is there: %v", err)
	}
}

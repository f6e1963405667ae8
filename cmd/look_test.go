package cmd

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/lockstep/lockstep/controller/status"
)

// TestLooksForTheDaemonThatAnswers: who looks without a state directory is no other writer than
// the daemon that answers, where that is of the same owner.
func TestLooksForTheDaemonThatAnswers(t *testing.T) {
	const id = "6f1d3c1e-6a53-4d7e-9d5a-3f2f6a0e7b11"
	answers := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if err := json.NewEncoder(w).Encode(status.Report{Owner: "web", Writer: id}); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(answers.Close)
	at := strings.TrimPrefix(answers.URL, "http://")
	known := t.TempDir()
	if err := os.WriteFile(filepath.Join(known, "instance-id"), []byte("0d3c1e6f-6a53-4d7e-9d5a-3f2f6a0e7b11\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"it answers":              {[]string{"--owner", "web", "--listen", at, "--state-dir", t.TempDir()}, id},
		"one of another owner":    {[]string{"--owner", "api", "--listen", at, "--state-dir", t.TempDir()}, ""},
		"nobody answers":          {[]string{"--owner", "web", "--listen", "127.0.0.1:1", "--state-dir", t.TempDir()}, ""},
		"its own state directory": {[]string{"--owner", "web", "--listen", at, "--state-dir", known}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := bound(t, c.args...)
			if got := s.writerAsked(t.Context()); got != c.want {
				t.Errorf("it looks for %q, want %q", got, c.want)
			}
			d := &daemon{}
			writer, err := d.identity(s, mode{look: true, writer: c.want})
			if err != nil || c.want != "" && writer != c.want || writer == "" {
				t.Errorf("it is known as %q, %v", writer, err)
			}
		})
	}
}

// TestSaysThatADaemonIsPassedOver where one answers, and what to do.
func TestSaysThatADaemonIsPassedOver(t *testing.T) {
	answers := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if err := json.NewEncoder(w).Encode(status.Report{Owner: "web"}); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(answers.Close)
	at := strings.TrimPrefix(answers.URL, "http://")
	for listen, want := range map[string]string{
		at:            "planned from these flags alone, and not from those that the daemon at " + at + " runs with: give all of them, or none (plan), which asks the daemon\n",
		"127.0.0.1:1": "",
	} {
		var said bytes.Buffer
		c := &cobra.Command{Use: "plan"}
		c.SetContext(t.Context())
		c.SetErr(&said)
		s, _ := bound(t, "--listen", listen)
		if err := s.sayPassedOver(c, "planned"); err != nil || said.String() != want {
			t.Errorf("said %q, %v; want %q", &said, err, want)
		}
	}
}

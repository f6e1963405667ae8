package cmd

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestGitFlags(t *testing.T) {
	url := []string{"--git-url", "/srv/m.git"}
	for name, c := range map[string]struct {
		args []string
		want string // "" means that it fits
	}{
		"a repository":                   {url, ""},
		"with a webhook alone":           {append(url, "--git-interval", "0", "--git-webhook-listen", ":9471", "--git-webhook-secret", "env:HOOK"), ""},
		"a path and no url":              {[]string{"--git-path", "m"}, "name one with --git-url"},
		"never asked":                    {append(url, "--git-interval", "0"), "--git-webhook-listen"},
		"a webhook for anybody":          {append(url, "--git-webhook-listen", ":9471"), "--git-webhook-secret"},
		"a secret and no hook":           {append(url, "--git-webhook-secret", "env:HOOK"), "--git-webhook-listen"},
		"a secret in a flag":             {append(url, "--git-webhook-listen", ":9471", "--git-webhook-secret", "hunter2"), "a secret is named by where it stands"},
		"a name in the url":              {[]string{"--git-url", "https://bot@host/m.git", "--git-password", "env:TOK"}, ""},
		"a name, and the password first": {[]string{"--git-password", "env:TOK", "--git-url", "https://bot@host/m.git"}, ""},
		"a name and no password":         {[]string{"--git-url", "https://bot@host/m.git"}, "--git-password is not given"},
		"a bad url":                      {[]string{"--git-url", "ext::id"}, "--git-url"},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := bound(t, c.args...)
			err := s.check()
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error tells the secret: %v", err)
			}
		})
	}
}

// TestGitUserInVariablesAndConfig holds what stands beside the command line to the same.
func TestGitUserInVariablesAndConfig(t *testing.T) {
	variables := map[string]string{"LOCKSTEP_GIT_URL": "https://bot@host/m.git", "LOCKSTEP_GIT_PASSWORD": "env:TOK"}
	s, flags := bound(t)
	if err := fromEnvironment(flags, func(name string) (string, bool) { value, ok := variables[name]; return value, ok }); err != nil {
		t.Fatal(err)
	}
	if err := s.check(); err != nil {
		t.Errorf("variables: %v", err)
	}
	path := filepath.Join(t.TempDir(), "config.yaml")
	text := "apiVersion: lockstep.dev/v1\nkind: Config\nmetadata: {name: test}\nspec: {git_url: 'https://bot@host/m.git', git_password: 'env:TOK'}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s, flags = bound(t, "--config", path)
	if err := errors.Join(fromConfig(flags), s.check()); err != nil {
		t.Errorf("Config: %v", err)
	}
}

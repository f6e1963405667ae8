package cmd

import (
	"strings"
	"testing"
)

func TestGitFlags(t *testing.T) {
	url := []string{"--git-url", "/srv/m.git"}
	for name, c := range map[string]struct {
		args []string
		want string // "" means that it fits
	}{
		"a repository":          {url, ""},
		"with a webhook alone":  {append(url, "--git-interval", "0", "--git-webhook-listen", ":9471", "--git-webhook-secret", "env:HOOK"), ""},
		"a path and no url":     {[]string{"--git-path", "m"}, "name one with --git-url"},
		"never asked":           {append(url, "--git-interval", "0"), "--git-webhook-listen"},
		"a webhook for anybody": {append(url, "--git-webhook-listen", ":9471"), "--git-webhook-secret"},
		"a secret and no hook":  {append(url, "--git-webhook-secret", "env:HOOK"), "--git-webhook-listen"},
		"a secret in a flag":    {append(url, "--git-webhook-listen", ":9471", "--git-webhook-secret", "hunter2"), "a secret is named by where it stands"},
		"a bad url":             {[]string{"--git-url", "ext::id"}, "--git-url"},
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

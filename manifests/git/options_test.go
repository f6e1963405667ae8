package git

import (
	"strings"
	"testing"
	"time"
)

func TestOptions(t *testing.T) {
	good := func() Options { return Options{URL: "https://example.com/m.git"} }
	for name, c := range map[string]struct {
		change func(*Options)
		want   string // "" means that it fits
	}{
		"as it is":             {func(*Options) {}, ""},
		"scp":                  {func(o *Options) { o.URL = "git@example.com:team/m.git" }, ""},
		"ssh with a port":      {func(o *Options) { o.URL = "ssh://git@example.com:2222/m.git" }, ""},
		"a path":               {func(o *Options) { o.URL = "/srv/m.git" }, ""},
		"a full ref":           {func(o *Options) { o.Ref = "refs/heads/main" }, ""},
		"a path within":        {func(o *Options) { o.Path = "/deploy/m/" }, ""},
		"no interval":          {func(o *Options) { o.Interval = 0 }, ""},
		"a variable":           {func(o *Options) { o.Password = "env:TOKEN" }, ""},
		"a password in it":     {func(o *Options) { o.URL = "https://ann:s3cret@example.com/m.git" }, "--git-url: it holds a password"},
		"a token as the name":  {func(o *Options) { o.URL = "https://ghp_s3cret@example.com/m.git" }, "--git-url: it holds a name and --git-password is not given"},
		"a name":               {func(o *Options) { o.URL, o.Password = "https://ann@example.com/m.git", "env:TOKEN" }, ""},
		"git's own":            {func(o *Options) { o.URL = "git://example.com/m.git" }, "its scheme \"git\" is none"},
		"a program":            {func(o *Options) { o.URL = "ext::sh -c id" }, "--git-url"},
		"an option":            {func(o *Options) { o.URL = "--upload-pack=id" }, "--git-url"},
		"no repository":        {func(o *Options) { o.URL = "https://example.com" }, "names no host or no repository"},
		"two slashes":          {func(o *Options) { o.URL = "file://srv/m.git" }, "three slashes"},
		"control characters":   {func(o *Options) { o.URL = "https://example.com/\x1b[2J" }, "control character"},
		"a query":              {func(o *Options) { o.URL = "https://example.com/m?token=1" }, "which no repository has"},
		"a ref that climbs":    {func(o *Options) { o.Ref = "a/../b" }, "no name of a branch"},
		"an id":                {func(o *Options) { o.Ref = strings.Repeat("ab", 20) }, ""},
		"an id of SHA-256":     {func(o *Options) { o.Ref = strings.Repeat("ab", 32) }, "a repository of SHA-256"},
		"a path that climbs":   {func(o *Options) { o.Path = "a/../../b" }, "--git-path"},
		"too often":            {func(o *Options) { o.Interval = time.Millisecond }, "too short"},
		"a password in a flag": {func(o *Options) { o.Password = "hunter2" }, "--git-password: a secret is named by where it stands"},
		"keys that are not":    {func(o *Options) { o.SignedBy = "/nowhere" }, "--git-signed-by: "},
	} {
		t.Run(name, func(t *testing.T) {
			o := good()
			c.change(&o)
			err := o.Check()
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "s3cret") || err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error tells a secret: %v", err)
			}
		})
	}
}

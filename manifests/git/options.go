package git

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lockstep/lockstep/manifests"
)

// LeastInterval keeps a slip of the pen from becoming a load for a server.
const LeastInterval = time.Second

// Options are what a Repository is made of, as flags say it.
type Options struct {
	URL  string // https, http, ssh, git@host:path, file or a path
	Ref  string // a branch or tag, or the whole id of a commit; default: what the repository itself names
	Path string // a directory within it; default: all
	// Interval is how often the repository is asked; 0: only when Pull says so.
	Interval time.Duration
	// Username is who asks over HTTP; default: the URL's, else "git".
	Username string
	// Password and SSHKey say where a secret stands; see manifests.ParseReference.
	Password, SSHKey string
	// KnownHosts is a file of hosts' keys; default: those of ssh.
	KnownHosts string
	// Authority is a file of certificates that vouch for the server, besides the system's.
	Authority string
	// SignedBy is a file of keys; when it is named, only commits that one of them
	// signed are taken.
	SignedBy string
	// Scratch is a directory for what is fetched; default: the system's for such.
	Scratch string
	// Patience is how long a first answer is waited for before what is remembered
	// is offered; default three seconds.
	Patience time.Duration
	// Memory is the tree that counted last; nil when none did.
	Memory     *manifests.Tree
	Log        *slog.Logger
	Registerer prometheus.Registerer
}

// CheckURL finds what is wrong with a repository's URL, whatever else is said of it. Its
// errors repeat no password.
func CheckURL(text string) error {
	_, err := parseAddress(text)
	return err
}

// Check finds what is wrong with options taken alone, and fills in defaults. Its
// errors name the flag.
func (o *Options) Check() error {
	a, err := parseAddress(o.URL)
	if err != nil {
		return fmt.Errorf("--git-url: %w", err)
	}
	if o.Password == "" && a.named() { // some hosts take a token as the name
		return errors.New("--git-url: it holds a name and --git-password is not given; if it is a token, everybody on the machine could read it: name where it stands with --git-password, and leave it out")
	}
	o.Ref = cmp.Or(o.Ref, plumbing.HEAD.String())
	if id := strings.ToLower(o.Ref); isID(id) {
		o.Ref = id
	}
	if err := checkRef(o.Ref); err != nil {
		return fmt.Errorf("--git-ref %q: %w", o.Ref, err)
	}
	o.Path = strings.Trim(o.Path, "/")
	if o.Path != "" {
		if clean := path.Clean(o.Path); clean == "." {
			o.Path = ""
		} else if clean != o.Path || clean == ".." || strings.HasPrefix(clean, "../") {
			return fmt.Errorf("--git-path %q is no directory within the repository; write for example deploy/manifests", o.Path)
		}
	}
	if o.Interval != 0 && o.Interval < LeastInterval {
		return fmt.Errorf("--git-interval %s is too short; use %s or more, or 0 to wait for the webhook alone", o.Interval, LeastInterval)
	}
	for flag, text := range map[string]string{"--git-password": o.Password, "--git-ssh-key": o.SSHKey} {
		if text == "" {
			continue
		}
		if _, err := manifests.ParseReference(text); err != nil {
			return fmt.Errorf("%s: %w", flag, err)
		}
	}
	if o.SignedBy != "" {
		if _, err := readSigners(o.SignedBy); err != nil {
			return fmt.Errorf("--git-signed-by: %w", err)
		}
	}
	o.Patience = cmp.Or(o.Patience, 3*time.Second)
	return nil
}

// access returns how to get in.
func (o *Options) access() (access, error) {
	a := access{user: o.Username, knownHosts: o.KnownHosts, authority: o.Authority}
	for text, to := range map[string]**manifests.Value{o.Password: &a.password, o.SSHKey: &a.key} {
		if text == "" {
			continue
		}
		value, err := manifests.ParseReference(text)
		if err != nil {
			return access{}, err
		}
		*to = &value
	}
	return a, nil
}

package git

import (
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/transport"
)

// scheme is a way to reach a repository.
type scheme string

// The schemes.
const (
	overHTTPS scheme = "https"
	overHTTP  scheme = "http"
	overSSH   scheme = "ssh"
	inFile    scheme = "file"
)

// address is a URL that was checked.
type address struct {
	scheme   scheme
	path     string // of a repository on this machine
	endpoint *transport.Endpoint
}

// named reports whether a URL for HTTP says who asks.
func (a address) named() bool {
	return (a.scheme == overHTTPS || a.scheme == overHTTP) && a.endpoint.User != ""
}

// schemed is how a URL with a scheme begins; what does not may be git@host:path.
var (
	schemed = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*://`)
	scpLike = regexp.MustCompile(`^[A-Za-z0-9_.-]+@[A-Za-z0-9_.\[\]:-]+:[^/:].*$|^[A-Za-z0-9_.-]+@[A-Za-z0-9_.-]+:/.*$`)
)

// howToSay is the remedy for every URL that does not fit.
const howToSay = "write https://host/path, ssh://git@host/path, git@host:path or file:///path"

// parseAddress checks a URL. Its errors repeat no password.
func parseAddress(text string) (address, error) {
	for _, c := range text {
		if c < ' ' || c == 0x7f {
			return address{}, fmt.Errorf("it holds a control character; %s", howToSay)
		}
	}
	switch {
	case filepath.IsAbs(text):
		return address{scheme: inFile, path: filepath.Clean(text)}, nil
	case !schemed.MatchString(text) && scpLike.MatchString(text):
		endpoint, err := transport.NewEndpoint(text)
		if err != nil {
			return address{}, fmt.Errorf("it is no URL of a repository; %s", howToSay)
		}
		return address{scheme: overSSH, endpoint: endpoint}, nil
	}
	u, err := url.Parse(text)
	if err != nil { // the error would repeat the whole of it
		return address{}, fmt.Errorf("it is no URL; %s", howToSay)
	}
	if _, has := u.User.Password(); has {
		return address{}, fmt.Errorf("it holds a password, which everybody on the machine could read; leave it out and name where it stands with --git-password")
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return address{}, fmt.Errorf("it holds a ? or #, which no repository has; %s", howToSay)
	}
	s := scheme(strings.ToLower(u.Scheme))
	switch s {
	case inFile:
		if u.Host != "" && u.Host != "localhost" || !filepath.IsAbs(u.Path) {
			return address{}, fmt.Errorf("a file's URL has three slashes and the whole path: file:///srv/manifests.git")
		}
		return address{scheme: inFile, path: filepath.Clean(u.Path)}, nil
	case overHTTPS, overHTTP, overSSH:
		if u.Hostname() == "" || strings.Trim(u.Path, "/") == "" {
			return address{}, fmt.Errorf("it names no host or no repository; %s", howToSay)
		}
		endpoint, err := transport.NewEndpoint(text)
		if err != nil {
			return address{}, fmt.Errorf("it is no URL of a repository; %s", howToSay)
		}
		return address{scheme: s, endpoint: endpoint}, nil
	}
	return address{}, fmt.Errorf("its scheme %q is none that is checked for who answers; %s", u.Scheme, howToSay)
}
